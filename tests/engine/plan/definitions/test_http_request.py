"""HTTP steps: the address is one of http, headers may have secrets, query and body keep their types."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.bound import BoundHttp, SecretName, SecretText
from engine.plan.definitions.http_request import origin
from tests.engine.plan.support import only, plan, plan_faults, result, scope

FIELDS: dict[str, Any] = {"params": {"host": {}}, "secrets": {"token": {"env": "T"}}}


def http(**fields: Any) -> dict[str, Any]:
    """A step."""
    return {"id": "a", "step_def": {"type": "http", "url": "https://h/x", **fields}}


def test_everything_that_varies_is_filled_in() -> None:
    """A secret by its name, in a header; also one that came through a variable."""
    compiled = plan(
        {"id": "src"},
        {
            **http(
                url="https://{params.host}/api/{src.data.id}",
                method="POST",
                headers={"Authorization": "Bearer {secrets.token}", "X-Key": "{env.KEY}", "Accept": "a/b"},
                query={"n": "{src.data.id}", "all": True},
                body={"rows": "{src.data.rows}", "text": "id {src.data.id}"},
                expect_status=[200, 404],
                max_redirects=0,
                max_body_bytes=10,
                allow_link_local=True,
                verify_tls=False,
            ),
            "env": {"KEY": "k{secrets.token}"},
        },
        **FIELDS,
    )
    bound = compiled.steps["a"].bind(scope(result("src", {"id": 7, "rows": [1]}), params={"host": "h"})).definition
    assert bound == BoundHttp(
        url="https://h/api/7",
        method="POST",
        headers={
            "Authorization": SecretText(("Bearer ", SecretName("token"))),
            "X-Key": SecretText(("k", SecretName("token"))),
            "Accept": "a/b",
        },
        query={"n": 7, "all": True},
        body={"rows": [1], "text": "id 7"},
        expect_status=(200, 404),
        max_redirects=0,
        max_body_bytes=10,
        allow_link_local=True,
        verify_tls=False,
    )
    assert bound.to_json()["headers"] == {
        "Authorization": "Bearer {secrets.token}",
        "X-Key": "k{secrets.token}",
        "Accept": "a/b",
    }


@pytest.mark.parametrize("body", [None, "plain", ["{params.host}"], 1, "{params.host}"])
def test_a_body_may_be_any_value(body: Any) -> None:
    """Or none."""
    bound = plan(http(body=body), **FIELDS).steps["a"].bind(scope(params={"host": "h"})).definition
    assert isinstance(bound, BoundHttp)
    assert bound.body == (["h"] if isinstance(body, list) else "h" if body == "{params.host}" else body)


@pytest.mark.parametrize(
    "url", ["http://h", "HTTPS://h:8443/x?y=1", "http://[::1]:80/", "{params.host}", "{params.host}/x"]
)
def test_addresses_that_may_be_one(url: str) -> None:
    """What a parameter brings is seen at run time."""
    assert plan(http(url=url), **FIELDS).steps


@pytest.mark.parametrize(
    ("fields", "path", "message", "hint"),
    [
        ({"url": "h/x"}, "url", "expected an address of http or https, found the text 'h/x'", "write it as https"),
        ({"url": "file:///etc/passwd"}, "url", "expected an address of http or https, found the text 'file:///etc/passwd'", ""),
        ({"url": "https://"}, "url", "expected an address of http or https, found the text 'https://'", ""),
        ({"url": "http://[::1"}, "url", "expected an address of http or https, found the text 'http://[::1'", ""),
        ({"url": "http://h:99999/"}, "url", "expected an address of http or https, found the text 'http://h:99999/'", ""),
        (
            {"url": "ftp://{params.host}/"},
            "url",
            "expected an address of http or https, found the text 'ftp://{params.host}/'",
            "",
        ),
        ({"url": "https://h/{secrets.token}"}, "url", "{secrets.token}: a secret cannot stand in an argument", "set it in env"),
        ({"query": {"t": "{secrets.token}"}}, "query.t", "{secrets.token}: a secret cannot stand in an argument", ""),
        ({"body": {"t": "{secrets.token}"}}, "body.t", "{secrets.token}: a secret cannot stand in an argument", ""),
        ({"headers": {"A": "{secrets.tken}"}}, "headers.A", "{secrets.tken}: there is no secret 'tken'", "did you mean 'token'?"),
        ({"headers": {"A": 1}}, "headers.A", "expected a text, found the number 1", 'quote it: "1"'),
        ({"headers": {"A B": "x"}}, "headers['A B']", "'A B' cannot name a header", "letters, digits and -"),
        ({"headers": {"A": "x\r\nB: y"}}, "headers.A", "a header is one line", "take the line break out"),
        ({"method": "FETCH"}, "method", "expected one of GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, found the text 'FETCH'", ""),
        ({"method": "post"}, "method", "expected one of GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, found the text 'post'",
         "did you mean 'POST'?"),
        ({"expect_status": [20]}, "expect_status[0]", "expected at least 100, found the number 20", ""),
        ({"expect_status": 200}, "expect_status", "expected a list, found the number 200", ""),
        ({"max_redirects": 21}, "max_redirects", "expected at most 20, found the number 21", ""),
        ({"verify_tls": "no"}, "verify_tls", "expected true or false, found the text 'no'", "write true or false"),
        ({"heders": {}}, "heders", "unknown field 'heders'", "did you mean 'headers'?"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_at_its_place(fields: dict[str, Any], path: str, message: str, hint: str) -> None:
    """One sentence each."""
    fault = only(plan_faults(http(**fields), **FIELDS))
    assert (fault.path, fault.message) == (f"steps[0].step_def.{path}", message)
    assert fault.hint.startswith(hint)


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://Host.Example/x", "https://host.example:443"),
        ("http://u:p@h:81/", "http://h:81"),
        ("http://[FE80::1]/", "http://[fe80::1]:80"),
        ("HTTP://h", "http://h:80"),
        ("http://h:x/", None),
        ("http://", None),
        ("h", None),
    ],
)
def test_the_origin_is_what_answers(url: str, found: str | None) -> None:
    """Scheme, host and port, whatever the address says besides, so without its password."""
    assert origin(url) == found


@given(st.text(max_size=60) | st.text("htps:/[]@.%1?#", max_size=60).map(lambda text: "http://" + text))
def test_the_origin_of_anything_is_an_origin_or_none(url: str) -> None:
    """It never raises."""
    found = origin(url)
    assert found is None or "://" in found


@pytest.mark.parametrize(
    ("url", "value", "filled"),
    [
        ("https://h/i/{params.host}", "a b/c?d=1&e#f%2F..", "https://h/i/a%20b%2Fc%3Fd%3D1%26e%23f%252F.."),
        ("https://h/i/{params.host}/x", "..", "https://h/i/%2E%2E/x"),
        ("https://h/i/{params.host}", ".", "https://h/i/%2E"),
        ("https://h/i/v{params.host}", "..", "https://h/i/v.."),
        ("https://h/?q={params.host}&n=1", "a&admin=1+ü", "https://h/?q=a%26admin%3D1%2B%C3%BC&n=1"),
        ("https://h?q={params.host}", "a/b@c:1", "https://h?q=a%2Fb%40c%3A1"),
        ("https://{params.host}/x", "db-1.lan:8443", "https://db-1.lan:8443/x"),
        ("https://{params.host}/x", "[fe80::1]:80", "https://[fe80::1]:80/x"),
        ("https://{params.host}.corp.example/x", "evil.example/", "https://evil.example%2F.corp.example/x"),
        ("https://api@{params.host}/x", "u@evil.example", "https://api@u%40evil.example/x"),
        ("https://h{params.host}", "/next?page=2", "https://h/next?page=2"),
        ("https://h{params.host}", "@evil.example/", "https://h%40evil.example%2F"),
        ("https://h{params.host}", "\\@evil.example/", "https://h%5C%40evil.example%2F"),
        ("https://h{params.host}/x", "/a", "https://h%2Fa/x"),
        ("{params.host}", "https://h/a?b=c d", "https://h/a?b=c d"),
        ("{params.host}/api/{params.host}", "https://h", "https://h/api/https%3A%2F%2Fh"),
        ("https://h/{params.host}", 7, "https://h/7"),
        ("https://h/{params.host}", "\ud800", "https://h/%3F"),
    ],
)
def test_a_value_cannot_change_what_an_address_means(url: str, value: Any, filled: str) -> None:
    """It is one piece of it, but for what begins the address, and for all that follows the host, if it is written as a path."""
    bound = plan(http(url=url), **FIELDS).steps["a"].bind(scope(params={"host": value})).definition
    assert isinstance(bound, BoundHttp)
    assert bound.url == filled


@given(st.text())
def test_no_value_leads_to_another_host_or_path(value: str) -> None:
    """Whatever it is, what stands around it stays what it is."""
    bound = plan(http(url="https://h:81/a/{params.host}/b?q={params.host}&c=d"), **FIELDS).steps["a"]
    definition = bound.bind(scope(params={"host": value})).definition
    assert isinstance(definition, BoundHttp)
    parts = urlsplit(definition.url)
    assert (parts.scheme, parts.netloc, parts.fragment) == ("https", "h:81", "")
    path = parts.path.split("/")
    assert (path[:2], len(path), path[3]) == (["", "a"], 4, "b")
    assert path[2] not in (".", "..")
    expected = value.encode("utf-8", "replace").decode()
    assert unquote(path[2]) == expected
    assert parse_qsl(parts.query, keep_blank_values=True) == [("q", expected), ("c", "d")]
