#!lua flags=allow-oom
--!prelude
-- Completes what an error left undone: the prelude does that. Returns the epoch.
return epoch
