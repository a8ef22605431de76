-- History: all talks of a call, and the events that could not be recorded.

ALTER TABLE calls ADD COLUMN talks jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(talks) = 'array');
COMMENT ON COLUMN calls.talks IS
    '[[extension, epoch, internal_id, user_id], …] in order of the answers; ids as they were when first recorded, null: not ours';

CREATE TABLE dead_events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    buried_at timestamptz NOT NULL DEFAULT now(),
    reason text NOT NULL,
    message text NOT NULL
);
COMMENT ON TABLE dead_events IS 'events that can not be recorded (unknown token, unreadable): the newest 10000 are kept';
