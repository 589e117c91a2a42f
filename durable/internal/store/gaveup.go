package store

// GaveUp is the condition for jobs that the engine has in the state of those that were
// canceled, but that nobody has canceled: their handler said that it is not worth another
// attempt. An index has the same text. SQLite's metadata may be spoiled by others.
func GaveUp(postgres bool) string {
	if postgres {
		return "state = 'cancelled' AND NOT metadata ? 'cancel_attempted_at'"
	}
	return "state = 'cancelled' AND CASE WHEN json_valid(metadata, 9) THEN json_type(metadata, '$.cancel_attempted_at') END IS NULL"
}
