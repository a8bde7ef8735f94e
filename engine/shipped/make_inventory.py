"""Makes `inventory.db`, the small company that the plan ci_lookup asks about, from the tables written out below.

Run `python -m engine.shipped.make_inventory` after a change here and commit both; a test compares their contents.
Everything in it is invented. The queries are in ci_lookup.yaml.
"""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Final, NamedTuple

SCHEMA: Final = """
CREATE TABLE teams (
    name       TEXT PRIMARY KEY,
    channel    TEXT NOT NULL,
    on_call    TEXT NOT NULL,
    escalation TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE hosts (
    name        TEXT PRIMARY KEY,
    ci_type     TEXT NOT NULL,
    environment TEXT NOT NULL,
    site        TEXT NOT NULL,
    address     TEXT NOT NULL UNIQUE,
    os          TEXT NOT NULL,
    cpus        INTEGER NOT NULL,
    memory_gb   INTEGER NOT NULL,
    team        TEXT NOT NULL REFERENCES teams (name)
) WITHOUT ROWID;
CREATE TABLE services (
    name        TEXT PRIMARY KEY,
    criticality INTEGER NOT NULL CHECK (criticality BETWEEN 1 AND 4),
    team        TEXT NOT NULL REFERENCES teams (name),
    description TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE placements (
    service TEXT NOT NULL REFERENCES services (name),
    host    TEXT NOT NULL REFERENCES hosts (name),
    PRIMARY KEY (service, host)
) WITHOUT ROWID;
CREATE INDEX placements_by_host ON placements (host);
CREATE TABLE dependencies (
    service TEXT NOT NULL REFERENCES services (name),
    needs   TEXT NOT NULL REFERENCES services (name),
    kind    TEXT NOT NULL CHECK (kind IN ('hard', 'soft')),
    PRIMARY KEY (service, needs)
) WITHOUT ROWID;
CREATE INDEX dependencies_by_needs ON dependencies (needs);
"""


class Team(NamedTuple):
    """Who to call."""

    name: str
    channel: str
    on_call: str
    escalation: str


TEAMS: Final = (
    Team("customer", "#customer", "Ana Duarte", "Piotr Zielinski"),
    Team("data", "#data", "Lena Fischer", "Omar Haddad"),
    Team("edge", "#edge", "Tomas Novak", "Grace Mwangi"),
    Team("fulfilment", "#fulfilment", "Sofia Rossi", "Henrik Dahl"),
    Team("identity", "#identity", "Noor Rahman", "Claire Dubois"),
    Team("orders", "#orders", "Mateo Silva", "Yuki Tanaka"),
    Team("payments", "#payments", "Ines Moreau", "Daniel Okafor"),
    Team("platform", "#platform", "Jonas Weber", "Priya Nair"),
    Team("storefront", "#storefront", "Elif Kaya", "Ruben Maes"),
)


class Pool(NamedTuple):
    """Hosts of one make, named `PREFIX-01` and so on; odd numbers stand in fra1, even ones in ams2."""

    prefix: str
    size: int
    ci_type: str
    environment: str
    subnet: int
    os: str
    cpus: int
    memory_gb: int
    team: str


POOLS: Final = (
    Pool("lb", 4, "load balancer", "production", 1, "Debian 12", 8, 16, "edge"),
    Pool("dns", 4, "name server", "production", 2, "Debian 12", 2, 4, "edge"),
    Pool("vpn", 2, "gateway", "production", 3, "Debian 12", 4, 8, "edge"),
    Pool("bastion", 2, "gateway", "production", 4, "Debian 12", 2, 4, "platform"),
    Pool("web", 12, "web server", "production", 10, "Ubuntu 24.04", 8, 16, "storefront"),
    Pool("app", 24, "application server", "production", 20, "Ubuntu 24.04", 16, 64, "platform"),
    Pool("batch", 8, "batch worker", "production", 30, "Ubuntu 24.04", 16, 64, "platform"),
    Pool("db", 14, "database server", "production", 40, "Rocky Linux 9", 32, 256, "platform"),
    Pool("cache", 6, "cache server", "production", 50, "Rocky Linux 9", 8, 128, "platform"),
    Pool("queue", 5, "message broker", "production", 60, "Rocky Linux 9", 16, 64, "data"),
    Pool("search", 6, "search server", "production", 70, "Rocky Linux 9", 16, 128, "platform"),
    Pool("storage", 6, "storage server", "production", 80, "Rocky Linux 9", 16, 64, "platform"),
    Pool("mon", 4, "monitoring server", "production", 90, "Debian 12", 8, 64, "platform"),
    Pool("mail", 2, "mail server", "production", 95, "Debian 12", 4, 8, "customer"),
    Pool("build", 6, "build server", "internal", 100, "Ubuntu 24.04", 32, 128, "platform"),
    Pool("stage", 9, "application server", "staging", 120, "Ubuntu 24.04", 8, 32, "platform"),
)


class Service(NamedTuple):
    """A service: where it runs (`app-01..04 batch-01`) and what it needs (`~name` is needed only softly)."""

    name: str
    criticality: int
    team: str
    runs_on: str
    needs: str
    description: str


SERVICES: Final = (
    Service("edge-proxy", 1, "edge", "lb-01..04", "internal-dns cert-issuer", "Takes every request from outside"),
    Service("internal-dns", 1, "edge", "dns-01..04", "", "Answers names inside"),
    Service("vpn-gateway", 2, "edge", "vpn-01..02", "internal-dns identity-api", "Lets staff in"),
    Service("cert-issuer", 2, "edge", "app-01..02", "secrets-store", "Issues and renews certificates"),
    Service("bastion", 2, "platform", "bastion-01..02", "identity-api ~audit-log", "The way to a shell"),
    Service("config-store", 1, "platform", "app-01..03", "internal-dns", "Configuration of all services"),
    Service("secrets-store", 1, "platform", "app-04..06", "config-store", "Credentials of all services"),
    Service("service-registry", 1, "platform", "app-01..03", "internal-dns", "Which instance is where"),
    Service("job-scheduler", 2, "platform", "batch-01..02", "platform-db config-store", "Starts the nightly jobs"),
    Service("feature-flags", 3, "platform", "app-07..08", "config-store", "Turns features on and off"),
    Service("object-storage", 1, "platform", "storage-01..06", "internal-dns", "Files of every kind"),
    Service("backup-runner", 2, "platform", "storage-05..06 batch-03", "object-storage", "Backs up the databases"),
    Service("platform-db", 1, "platform", "db-13..14", "", "Data of the platform's own services"),
    Service("audit-log", 2, "platform", "app-09", "event-stream object-storage", "Who did what"),
    Service("log-collector", 3, "platform", "mon-01..02", "event-stream", "Gathers the logs of all hosts"),
    Service("log-search", 3, "platform", "search-05..06 mon-02", "log-collector", "Finds a line in the logs"),
    Service("metrics-store", 2, "platform", "mon-03..04", "object-storage", "Keeps a year of figures"),
    Service("alert-router", 1, "platform", "mon-01..02", "metrics-store notification-api", "Wakes people"),
    Service("dashboards", 3, "platform", "mon-03", "metrics-store log-search identity-api", "Figures as pictures"),
    Service("artifact-registry", 3, "platform", "build-01..02", "object-storage identity-api", "Packages and images"),
    Service("ci-runner", 3, "platform", "build-03..06", "artifact-registry ~secrets-store", "Builds and tests"),
    Service("deployer", 2, "platform", "build-01", "artifact-registry service-registry config-store", "Rolls out"),
    Service("identity-api", 1, "identity", "app-10..12", "identity-db session-store secrets-store", "Who is who"),
    Service("identity-db", 1, "identity", "db-01..02", "", "Accounts and rights"),
    Service("session-store", 1, "identity", "cache-01..02", "", "Who is logged in"),
    Service("login-web", 1, "identity", "web-01..02", "identity-api edge-proxy ~captcha", "The login page"),
    Service("captcha", 4, "identity", "app-12", "", "Keeps robots out"),
    Service("directory-sync", 3, "identity", "batch-04", "identity-api", "Brings staff accounts over"),
    Service("payments-api", 1, "payments", "app-13..16", "payments-db card-vault ledger-api fraud-scoring", "Takes money"),
    Service("payments-db", 1, "payments", "db-03..04", "", "Payments and their states"),
    Service("payments-worker", 1, "payments", "batch-05..06", "payments-api event-stream", "Settles and retries"),
    Service("card-vault", 1, "payments", "app-17..18", "secrets-store vault-db", "Card numbers, sealed"),
    Service("vault-db", 1, "payments", "db-05..06", "", "What the card vault keeps"),
    Service("ledger-api", 1, "payments", "app-13..14", "ledger-db", "The books"),
    Service("ledger-db", 1, "payments", "db-07..08", "", "Every entry of the books"),
    Service("fraud-scoring", 2, "payments", "app-19..20", "feature-store ~event-stream", "Scores each payment"),
    Service("payout-scheduler", 2, "payments", "batch-05", "ledger-api job-scheduler", "Pays merchants at night"),
    Service("invoice-renderer", 3, "payments", "batch-06", "ledger-api object-storage", "Makes the PDF"),
    Service("orders-api", 1, "orders", "app-21..24", "orders-db payments-api stock-api ~notification-api", "Takes orders"),
    Service("orders-db", 1, "orders", "db-09..10", "", "Orders and their lines"),
    Service("orders-worker", 2, "orders", "batch-07", "orders-api event-stream shipping-api", "Moves orders along"),
    Service("cart-api", 1, "orders", "app-21..22", "cart-store price-engine", "The cart"),
    Service("cart-store", 2, "orders", "cache-03..04", "", "What is in the carts"),
    Service("checkout-web", 1, "storefront", "web-03..06", "cart-api orders-api login-web edge-proxy", "The way to pay"),
    Service("storefront-web", 1, "storefront", "web-03..08", "catalog-api catalog-search ~reviews-api edge-proxy", "The shop"),
    Service("account-web", 2, "storefront", "web-09..10", "identity-api orders-api edge-proxy", "A customer's own page"),
    Service("catalog-api", 1, "storefront", "app-05..08", "catalog-db page-cache ~feature-flags", "What is for sale"),
    Service("catalog-db", 1, "storefront", "db-11..12", "", "Articles and texts"),
    Service("catalog-search", 2, "storefront", "search-01..04", "catalog-indexer", "Finds articles"),
    Service("catalog-indexer", 2, "storefront", "batch-08", "catalog-db event-stream", "Feeds the search"),
    Service("page-cache", 2, "storefront", "cache-05..06", "", "Pages made before"),
    Service("price-engine", 1, "storefront", "app-09..10", "catalog-db ~feature-flags", "What it costs today"),
    Service("image-resizer", 3, "storefront", "web-11..12", "object-storage", "Pictures in every size"),
    Service("reviews-api", 4, "storefront", "app-11", "catalog-db identity-api", "What customers think"),
    Service("stock-api", 1, "fulfilment", "app-23..24", "stock-db event-stream", "What is on the shelf"),
    Service("stock-db", 1, "fulfilment", "db-11..12", "", "Stock by warehouse"),
    Service("shipping-api", 2, "fulfilment", "app-15..16", "stock-db ~label-printer", "Finds a carrier"),
    Service("label-printer", 3, "fulfilment", "batch-07", "object-storage", "Labels for parcels"),
    Service("tracking-hooks", 3, "fulfilment", "web-11", "shipping-api edge-proxy", "Hears from carriers"),
    Service("returns-web", 3, "fulfilment", "web-12", "orders-api shipping-api edge-proxy", "Sending it back"),
    Service("notification-api", 2, "customer", "app-17..18", "mail-relay sms-gateway event-stream", "Tells customers"),
    Service("mail-relay", 2, "customer", "mail-01..02", "internal-dns", "Sends mail"),
    Service("sms-gateway", 3, "customer", "app-18", "secrets-store", "Sends text messages"),
    Service("support-console", 2, "customer", "web-09", "orders-api identity-api ~log-search", "What support looks at"),
    Service("event-stream", 1, "data", "queue-01..05", "internal-dns", "Every event of every service"),
    Service("feature-store", 2, "data", "cache-05 search-01", "event-stream", "Figures for the models"),
    Service("warehouse-loader", 3, "data", "batch-03..04", "event-stream warehouse-db", "Fills the warehouse"),
    Service("warehouse-db", 3, "data", "db-13", "object-storage", "Everything, for questions"),
    Service("report-builder", 3, "data", "batch-08", "warehouse-db mail-relay", "Monday's reports"),
    Service("staging-shop", 4, "storefront", "stage-01..06", "artifact-registry", "The shop before it is out"),
    Service("staging-db", 4, "platform", "stage-07..09", "", "Data for the shop before it is out"),
)  # fmt: skip


def hosts_of(runs_on: str) -> list[str]:
    """The host names in `app-01..03 batch-05`."""
    names: list[str] = []
    for part in runs_on.split():
        prefix, _, numbers = part.rpartition("-")
        first, _, last = numbers.partition("..")
        names += [f"{prefix}-{number:02d}" for number in range(int(first), int(last or first) + 1)]
    return names


def fill(connection: sqlite3.Connection) -> None:
    """Make the tables in an empty database and put everything in."""
    connection.executescript(SCHEMA)
    connection.executemany("INSERT INTO teams VALUES (?, ?, ?, ?)", TEAMS)
    for pool in POOLS:
        for number in range(1, pool.size + 1):
            site, network = ("fra1", 10) if number % 2 else ("ams2", 20)
            address = f"10.{network}.{pool.subnet}.{10 + number}"
            connection.execute(
                "INSERT INTO hosts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (f"{pool.prefix}-{number:02d}", pool.ci_type, pool.environment, site, address, *pool[5:]),
            )
    for service in SERVICES:
        connection.execute(
            "INSERT INTO services VALUES (?, ?, ?, ?)",
            (service.name, service.criticality, service.team, service.description),
        )
    for service in SERVICES:
        connection.executemany(
            "INSERT INTO placements VALUES (?, ?)", [(service.name, host) for host in hosts_of(service.runs_on)]
        )
        connection.executemany(
            "INSERT INTO dependencies VALUES (?, ?, ?)",
            [
                (service.name, needed.removeprefix("~"), "soft" if needed.startswith("~") else "hard")
                for needed in service.needs.split()
            ],
        )


def write(path: Path) -> None:
    """Write the database anew. One plain file without a journal beside it, so that it opens in a read-only folder."""
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA page_size = 4096")
        connection.execute("PRAGMA foreign_keys = ON")
        with connection:
            fill(connection)
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("VACUUM")


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("inventory.db"))
