-- Schema 2: what was said of an asset version is never unsaid.
--
-- A version is what it is from the moment it is added: runs name it by its hash. Only its status moves, and a version that
-- was published once is never a draft again. Each such step is in asset_log, with who took it, when and why.

CREATE TABLE asset_log (
  log_no  INTEGER PRIMARY KEY AUTOINCREMENT,
  type    TEXT    NOT NULL,
  name    TEXT    NOT NULL,
  version INTEGER NOT NULL,
  action  TEXT    NOT NULL,
  at_us   INTEGER NOT NULL,
  author  TEXT    NOT NULL,
  note    TEXT    NOT NULL DEFAULT '',
  FOREIGN KEY (type, name, version) REFERENCES asset_versions (type, name, version),
  CHECK (typeof(version) = 'integer' AND typeof(at_us) = 'integer'),
  CHECK (instr('|added|imported|installed|published|deprecated|', '|' || action || '|') > 0)
);
CREATE INDEX asset_log_by_version ON asset_log (type, name, version, log_no);

CREATE TRIGGER asset_versions_stay AFTER UPDATE ON asset_versions
WHEN OLD.type IS NOT NEW.type OR OLD.name IS NOT NEW.name OR OLD.version IS NOT NEW.version
  OR OLD.media_type IS NOT NEW.media_type OR OLD.content IS NOT NEW.content OR OLD.sha256 IS NOT NEW.sha256
  OR OLD.author IS NOT NEW.author OR OLD.note IS NOT NEW.note OR OLD.created_at_us IS NOT NEW.created_at_us
BEGIN
  SELECT RAISE(ABORT, 'an asset version never changes');
END;

CREATE TRIGGER asset_versions_go_forward AFTER UPDATE OF status ON asset_versions
WHEN OLD.status IS NOT NEW.status
  AND instr('|draft published|published deprecated|deprecated published|', '|' || OLD.status || ' ' || NEW.status || '|') = 0
BEGIN
  SELECT RAISE(ABORT, 'an asset version is never a draft again');
END;

CREATE TRIGGER asset_versions_once BEFORE INSERT ON asset_versions
WHEN EXISTS (SELECT 1 FROM asset_versions WHERE type = NEW.type AND name = NEW.name AND version = NEW.version)
BEGIN
  SELECT RAISE(ABORT, 'an asset version is never replaced');
END;

CREATE TRIGGER asset_versions_remain BEFORE DELETE ON asset_versions
BEGIN
  SELECT RAISE(ABORT, 'an asset version is never removed');
END;

INSERT INTO asset_log (type, name, version, action, at_us, author, note)
SELECT type, name, version, 'added', created_at_us, author, note FROM asset_versions ORDER BY created_at_us, type, name, version;
