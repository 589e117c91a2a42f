package store

// GaveUp returns the condition for jobs in the engine's state of canceled ones that nobody
// has canceled: their handler said that they are not worth another attempt. An index has
// the same text. SQLite's metadata may be spoiled by other programs.
func GaveUp(postgres bool) string {
	if postgres {
		return "state = 'cancelled' AND NOT metadata ? 'cancel_attempted_at'"
	}
	return "state = 'cancelled' AND CASE WHEN json_valid(metadata, 9) THEN json_type(metadata, '$.cancel_attempted_at') END IS NULL"
}
