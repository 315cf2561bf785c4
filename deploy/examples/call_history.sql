-- What call_history.py writes, for PostgreSQL 12 and later. Once, as the database's owner:
--
--   createdb cti && psql --dbname=cti --file=call_history.sql
--
-- Columns are the keys of the messages (clients.md says what each is), times are of the kind that knows its zone, durations seconds.

CREATE TABLE IF NOT EXISTS calls (
    stream uuid NOT NULL,
    seq bigint NOT NULL,
    previous_seq bigint,
    node text NOT NULL,
    "group" text NOT NULL,
    agent text NOT NULL,
    address text NOT NULL,
    session_id uuid NOT NULL,
    uniqueid text NOT NULL,
    linkedid text,
    caller_number text,
    caller_name text,
    queued_at timestamptz,
    offered_at timestamptz,
    answered_at timestamptz,
    ended_at timestamptz NOT NULL,
    time_to_answer double precision,
    ring_time double precision,
    talk_time double precision,
    ended_by text,
    transferred_to text,
    cause text NOT NULL,
    PRIMARY KEY (stream, seq)
);
CREATE INDEX IF NOT EXISTS calls_ended_at ON calls (ended_at);

CREATE TABLE IF NOT EXISTS session_events (
    stream uuid NOT NULL,
    seq bigint NOT NULL,
    previous_seq bigint,
    event text NOT NULL,
    event_value integer,
    at timestamptz NOT NULL,
    cause text NOT NULL,
    command_id jsonb,
    previous jsonb,
    session jsonb NOT NULL,
    PRIMARY KEY (stream, seq)
);
CREATE INDEX IF NOT EXISTS session_events_at ON session_events (at);

-- Every state of every session, with its reason: from its event to the next change. The last one of a session has no end yet.
CREATE OR REPLACE VIEW session_states AS
WITH changes AS (
    SELECT stream, seq, at, event, session, lead(at) OVER (PARTITION BY stream, session ->> 'session_id' ORDER BY seq) AS until
    FROM session_events
    WHERE event <> 'UPDATE' OR session ->> 'reason' IS DISTINCT FROM previous ->> 'reason'
)
SELECT
    session ->> 'node' AS node,
    session ->> 'group' AS "group",
    session ->> 'agent' AS agent,
    session ->> 'address' AS address,
    (session ->> 'session_id')::uuid AS session_id,
    session ->> 'state' AS state,
    session ->> 'reason' AS reason,
    at AS since,
    until,
    until - at AS lasted
FROM changes
WHERE event <> 'END';

-- What never came: previous_seq names a message of the same topic that is not here. Empty is as it should be.
CREATE OR REPLACE VIEW missed AS
WITH told AS (
    SELECT 'calls' AS kept_in, stream, seq, previous_seq, node, "group", agent, address, ended_at AS at FROM calls
    UNION ALL
    SELECT
        'session_events', stream, seq, previous_seq,
        session ->> 'node', session ->> 'group', session ->> 'agent', session ->> 'address', at
    FROM session_events
), pairs AS (
    SELECT *, lag(seq) OVER (PARTITION BY kept_in, stream, "group", agent, address ORDER BY seq) AS seq_before FROM told
)
SELECT kept_in, stream, node, "group", agent, address, seq_before AS after_seq, seq AS before_seq, at
FROM pairs
WHERE previous_seq > seq_before;

-- The program may add, and nothing else. Give the role a password, or a line in pg_hba.conf.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'call_history') THEN
        CREATE ROLE call_history LOGIN;
    END IF;
END
$$;
GRANT INSERT ON calls, session_events TO call_history;
