-- Schema 1. Written to run on SQLite 3.34 and later, so: no STRICT tables, but checks of types and words.
--
-- Closed words are checked with instr('|a|b|', '|' || x || '|'): SQLite builds the list of `x IN (...)` anew for every row
-- that is inserted, which costs as much as the insert itself.
--
-- Projections (runs, passes, stages, steps, step_attempts, replan_events, applied_assets, breakers, result_cache) can be
-- made anew from run_events; a column that ends in _event is the event_no of the event that carries the payload.
-- All other tables are primary. Times ending in _us are microseconds since the epoch, UTC; durations are microseconds.
-- item_index is -1 where there is no item, because a key cannot hold NULL.

CREATE TABLE run_events (
  event_no   INTEGER PRIMARY KEY AUTOINCREMENT,
  v          INTEGER NOT NULL,
  run_id     TEXT    NOT NULL,
  seq        INTEGER NOT NULL,
  at_us      INTEGER NOT NULL,
  kind       TEXT    NOT NULL,
  pass_index INTEGER NOT NULL,
  stage      TEXT,
  step_id    TEXT,
  item_index INTEGER,
  attempt    INTEGER,
  actor      TEXT    NOT NULL,
  data       TEXT    NOT NULL,
  prev_hash  BLOB    NOT NULL,
  hash       BLOB    NOT NULL,
  UNIQUE (run_id, seq),
  CHECK (typeof(v) = 'integer' AND typeof(run_id) = 'text' AND typeof(seq) = 'integer' AND seq > 0
         AND typeof(at_us) = 'integer' AND typeof(pass_index) = 'integer' AND typeof(actor) = 'text'
         AND typeof(step_id) IN ('text', 'null') AND typeof(item_index) IN ('integer', 'null')
         AND typeof(attempt) IN ('integer', 'null')),
  CHECK (instr('|run.created|run.started|run.paused|run.resumed|run.succeeded|run.failed|run.canceled|run.quarantined'
               || '|run.taken_over|stage.started|stage.finished|attempt.starting|attempt.started|attempt.finished'
               || '|step.waiting|step.finished|replan.requested|replan.decided|asset.resolved|lock.acquired|lock.released'
               || '|control.received|orchestration.dependencies_extracted|orchestration.strategy_determined'
               || '|orchestration.tool_chain_built|orchestration.execution_completed|orchestration.execution_failed|',
               '|' || kind || '|') > 0),
  CHECK (stage IS NULL OR instr('|route_plan|validate|execute|compose|present|', '|' || stage || '|') > 0),
  CHECK (json_valid(data)),
  CHECK (typeof(prev_hash) = 'blob' AND length(prev_hash) = 32 AND typeof(hash) = 'blob' AND length(hash) = 32)
);

CREATE TABLE logs (
  log_id     INTEGER PRIMARY KEY AUTOINCREMENT,
  run_id     TEXT    NOT NULL,
  pass_index INTEGER NOT NULL,
  step_id    TEXT    NOT NULL,
  item_index INTEGER,
  attempt    INTEGER NOT NULL,
  stream     TEXT    NOT NULL,
  at_us      INTEGER NOT NULL,
  offset     INTEGER NOT NULL,
  content    BLOB    NOT NULL,
  CHECK (typeof(run_id) = 'text' AND typeof(step_id) = 'text' AND typeof(at_us) = 'integer'
         AND typeof(offset) = 'integer' AND offset >= 0 AND typeof(content) = 'blob'),
  CHECK (instr('|stdout|stderr|', '|' || stream || '|') > 0)
);
CREATE INDEX logs_by_run ON logs (run_id);
CREATE INDEX logs_by_step ON logs (run_id, step_id);

-- Runs that came in as documents: no engine of this file ever owned them, so they are never live here.
-- What the document left out of their output is counted, for whoever exports them again.
CREATE TABLE imports (
  run_id              TEXT PRIMARY KEY NOT NULL,
  imported_at_us      INTEGER NOT NULL,
  log_chunks_left_out INTEGER NOT NULL DEFAULT 0,
  log_bytes_left_out  INTEGER NOT NULL DEFAULT 0,
  CHECK (typeof(run_id) = 'text' AND typeof(imported_at_us) = 'integer' AND typeof(log_chunks_left_out) = 'integer'
         AND typeof(log_bytes_left_out) = 'integer')
);

CREATE TABLE plans (
  plan_hash     TEXT PRIMARY KEY NOT NULL,
  plan_id       TEXT NOT NULL,
  version       TEXT NOT NULL,
  source        TEXT NOT NULL,
  document      TEXT NOT NULL,
  first_used_us INTEGER NOT NULL,
  CHECK (typeof(plan_hash) = 'text' AND typeof(plan_id) = 'text' AND typeof(source) = 'text' AND json_valid(document))
);
CREATE INDEX plans_by_id ON plans (plan_id, version);

CREATE TABLE runs (
  run_id           TEXT PRIMARY KEY NOT NULL,
  plan_id          TEXT NOT NULL,
  plan_version     TEXT NOT NULL,
  plan_hash        TEXT NOT NULL,
  status           TEXT NOT NULL,
  pause_reason     TEXT,
  route            TEXT,
  mode             TEXT NOT NULL,
  stage            TEXT,
  pass_index       INTEGER NOT NULL DEFAULT 0,
  steps_total      INTEGER NOT NULL DEFAULT 0,
  steps_done       INTEGER NOT NULL DEFAULT 0,
  steps_failed     INTEGER NOT NULL DEFAULT 0,
  replans          INTEGER NOT NULL DEFAULT 0,
  warnings         INTEGER NOT NULL DEFAULT 0,
  score            INTEGER,
  created_at_us    INTEGER NOT NULL,
  started_at_us    INTEGER,
  finished_at_us   INTEGER,
  duration_us      INTEGER,
  workdir          TEXT NOT NULL,
  environment_hash TEXT NOT NULL DEFAULT '',
  parent_run_id    TEXT,
  parent_step_id   TEXT,
  created_event    INTEGER NOT NULL,
  finished_event   INTEGER,
  owner_engine     TEXT NOT NULL,
  owner_epoch      INTEGER NOT NULL,
  last_seq         INTEGER NOT NULL,
  last_hash        BLOB NOT NULL,
  CHECK (instr('|pending|running|paused|quarantined|succeeded|failed|canceled|', '|' || status || '|') > 0),
  CHECK (pause_reason IS NULL OR instr('|approval|storage|engine_lost|operator|', '|' || pause_reason || '|') > 0),
  CHECK (route IS NULL OR instr('|direct|plan|reject|', '|' || route || '|') > 0),
  CHECK (instr('|normal|test|', '|' || mode || '|') > 0),
  CHECK (stage IS NULL OR instr('|route_plan|validate|execute|compose|present|', '|' || stage || '|') > 0),
  CHECK (typeof(created_at_us) = 'integer' AND typeof(owner_epoch) = 'integer' AND typeof(last_seq) = 'integer')
);
-- Each holds what the list of runs filters by, so that a filter that matches little is answered from the index alone.
CREATE INDEX runs_newest ON runs (created_at_us DESC, run_id DESC, status, plan_id);
CREATE INDEX runs_by_status ON runs (status, created_at_us DESC, run_id DESC, plan_id);
CREATE INDEX runs_by_plan ON runs (plan_id, created_at_us DESC, run_id DESC, status);
CREATE INDEX runs_by_parent ON runs (parent_run_id) WHERE parent_run_id IS NOT NULL;

CREATE TABLE passes (
  run_id         TEXT NOT NULL,
  pass_index     INTEGER NOT NULL,
  started_at_us  INTEGER NOT NULL,
  finished_at_us INTEGER,
  chain_event    INTEGER,
  strategy       TEXT,
  PRIMARY KEY (run_id, pass_index),
  CHECK (strategy IS NULL OR instr('|auto|serial|parallel|dag|', '|' || strategy || '|') > 0)
) WITHOUT ROWID;

CREATE TABLE stages (
  run_id             TEXT NOT NULL,
  pass_index         INTEGER NOT NULL,
  stage              TEXT NOT NULL,
  status             TEXT NOT NULL,
  diagnostics_status TEXT,
  started_at_us      INTEGER,
  finished_at_us     INTEGER,
  duration_us        INTEGER,
  started_event      INTEGER,
  finished_event     INTEGER,
  PRIMARY KEY (run_id, pass_index, stage),
  CHECK (instr('|route_plan|validate|execute|compose|present|', '|' || stage || '|') > 0),
  CHECK (instr('|pending|running|succeeded|failed|canceled|', '|' || status || '|') > 0),
  CHECK (diagnostics_status IS NULL OR instr('|ok|warning|error|', '|' || diagnostics_status || '|') > 0)
) WITHOUT ROWID;

-- `reason`, `tool_type` and `depends_on` are open here: their words grow with the step types, and the events are the truth.
CREATE TABLE steps (
  run_id          TEXT NOT NULL,
  pass_index      INTEGER NOT NULL,
  step_id         TEXT NOT NULL,
  item_index      INTEGER NOT NULL DEFAULT -1,
  status          TEXT NOT NULL,
  reason          TEXT,
  message         TEXT NOT NULL DEFAULT '',
  tool_type       TEXT NOT NULL,
  group_index     INTEGER NOT NULL,
  execution_order INTEGER NOT NULL,
  depends_on      TEXT NOT NULL DEFAULT '[]',
  attempts        INTEGER NOT NULL DEFAULT 0,
  exit_code       INTEGER,
  started_at_us   INTEGER,
  finished_at_us  INTEGER,
  duration_us     INTEGER,
  result_event    INTEGER,
  result_bytes    INTEGER,
  PRIMARY KEY (run_id, pass_index, step_id, item_index),
  CHECK (instr('|pending|waiting|running|succeeded|failed|skipped|canceled|quarantined|', '|' || status || '|') > 0)
) WITHOUT ROWID;

CREATE TABLE step_attempts (
  run_id         TEXT NOT NULL,
  pass_index     INTEGER NOT NULL,
  step_id        TEXT NOT NULL,
  item_index     INTEGER NOT NULL DEFAULT -1,
  attempt        INTEGER NOT NULL,
  status         TEXT NOT NULL,
  reason         TEXT,
  exit_code      INTEGER,
  started_at_us  INTEGER NOT NULL,
  finished_at_us INTEGER,
  duration_us    INTEGER,
  starting_event INTEGER NOT NULL,
  started_event  INTEGER,
  finished_event INTEGER,
  PRIMARY KEY (run_id, pass_index, step_id, item_index, attempt),
  CHECK (instr('|running|succeeded|failed|skipped|canceled|quarantined|', '|' || status || '|') > 0)
) WITHOUT ROWID;

CREATE TABLE replan_events (
  run_id          TEXT NOT NULL,
  event_id        TEXT NOT NULL,
  pass_index      INTEGER NOT NULL,
  trigger_kind    TEXT NOT NULL,
  stage           TEXT,
  step_id         TEXT,
  severity        TEXT,
  decision        TEXT NOT NULL,
  requested_at_us INTEGER NOT NULL,
  decided_at_us   INTEGER,
  requested_event INTEGER NOT NULL,
  decided_event   INTEGER,
  PRIMARY KEY (run_id, event_id),
  CHECK (instr('|auto_approved|approved|denied|pending|', '|' || decision || '|') > 0)
) WITHOUT ROWID;

CREATE TABLE applied_assets (
  run_id     TEXT NOT NULL,
  pass_index INTEGER NOT NULL,
  alias      TEXT NOT NULL,
  ref        TEXT NOT NULL,
  sha256     TEXT NOT NULL,
  source     TEXT NOT NULL,
  event      INTEGER NOT NULL,
  PRIMARY KEY (run_id, pass_index, alias)
) WITHOUT ROWID;
CREATE INDEX applied_assets_by_ref ON applied_assets (ref, run_id);

-- Where each run left the breaker of a tool. What holds across runs is the newest row of the tool: see queries.breakers.
CREATE TABLE breakers (
  run_id       TEXT    NOT NULL,
  tool         TEXT    NOT NULL,
  phase        TEXT    NOT NULL,
  failures     INTEGER NOT NULL,
  opened_at_us INTEGER NOT NULL,
  at_us        INTEGER NOT NULL,
  event        INTEGER NOT NULL,
  PRIMARY KEY (run_id, tool),
  CHECK (instr('|closed|open|half_open|', '|' || phase || '|') > 0)
) WITHOUT ROWID;
CREATE INDEX breakers_by_tool ON breakers (tool, event);

-- Which results may be used again, by the hash of everything they depend on. The results themselves stand in the events.
CREATE TABLE result_cache (
  run_id     TEXT    NOT NULL,
  pass_index INTEGER NOT NULL,
  step_id    TEXT    NOT NULL,
  item_index INTEGER NOT NULL DEFAULT -1,
  cache_key  TEXT    NOT NULL,
  plan_id    TEXT    NOT NULL,
  at_us      INTEGER NOT NULL,
  event      INTEGER NOT NULL,
  PRIMARY KEY (run_id, pass_index, step_id, item_index)
) WITHOUT ROWID;
CREATE INDEX result_cache_by_key ON result_cache (cache_key, event);
CREATE INDEX result_cache_by_step ON result_cache (plan_id, step_id, event);

-- Large values of events, each once, as JSON text: `size_bytes` is its length before `encoding`. See store.blobs.
CREATE TABLE blobs (
  sha256     TEXT PRIMARY KEY NOT NULL,
  size_bytes INTEGER NOT NULL,
  encoding   TEXT NOT NULL,
  content    BLOB NOT NULL,
  CHECK (typeof(sha256) = 'text' AND length(sha256) = 64 AND typeof(size_bytes) = 'integer' AND typeof(content) = 'blob'),
  CHECK (instr('|plain|zlib|', '|' || encoding || '|') > 0)
);

-- Which events refer to which of them.
CREATE TABLE blob_uses (
  run_id     TEXT    NOT NULL,
  event_no   INTEGER NOT NULL,
  sha256     TEXT    NOT NULL,
  size_bytes INTEGER NOT NULL,
  PRIMARY KEY (run_id, event_no, sha256)
) WITHOUT ROWID;
CREATE INDEX blob_uses_by_blob ON blob_uses (sha256);

CREATE TABLE assets (
  type          TEXT NOT NULL,
  name          TEXT NOT NULL,
  created_at_us INTEGER NOT NULL,
  PRIMARY KEY (type, name)
) WITHOUT ROWID;

CREATE TABLE asset_versions (
  type          TEXT NOT NULL,
  name          TEXT NOT NULL,
  version       INTEGER NOT NULL,
  status        TEXT NOT NULL,
  media_type    TEXT NOT NULL,
  content       TEXT NOT NULL,
  sha256        TEXT NOT NULL,
  author        TEXT NOT NULL,
  note          TEXT NOT NULL DEFAULT '',
  created_at_us INTEGER NOT NULL,
  PRIMARY KEY (type, name, version),
  FOREIGN KEY (type, name) REFERENCES assets (type, name),
  CHECK (instr('|draft|published|deprecated|', '|' || status || '|') > 0)
);

CREATE TABLE analyses (
  analysis_id   TEXT PRIMARY KEY NOT NULL,
  created_at_us INTEGER NOT NULL,
  verdict       TEXT NOT NULL,
  score         INTEGER,
  document      TEXT NOT NULL,
  CHECK (json_valid(document))
);
CREATE INDEX analyses_newest ON analyses (created_at_us DESC);

-- First come, first served: the lowest lock_no of a name is the next; acquired_at_us is NULL while it waits.
CREATE TABLE locks (
  lock_no         INTEGER PRIMARY KEY AUTOINCREMENT,
  name            TEXT NOT NULL,
  run_id          TEXT NOT NULL,
  requested_at_us INTEGER NOT NULL,
  acquired_at_us  INTEGER,
  UNIQUE (name, run_id)
);
CREATE UNIQUE INDEX locks_one_holder ON locks (name) WHERE acquired_at_us IS NOT NULL;
