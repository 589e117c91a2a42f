package store

import "strings"

// Blocked is when a job is due that waits for others to end: never, until they have.
const Blocked = "9999-12-31 00:00:00.000"

// SQLiteRelease returns the statements that let the jobs begin whose conditions hold, of
// the jobs that who selects. They are part of what ends a job, and of what registers a
// condition.
func SQLiteRelease(who string) []string {
	const blocked = "state = 'scheduled' AND scheduled_at = '" + Blocked + "'"
	statements := []string{
		`UPDATE river_job SET
			metadata = jsonb_set(jsonb_remove(metadata, '$.stead_follows'), '$.stead_ends', json((
				SELECT json_object('handled', sum(outcome = 'handled'), 'gave_up', sum(outcome = 'gave_up'), 'canceled', sum(outcome = 'canceled'))
				FROM stead_follow WHERE follower = river_job.id))),
			state = CASE WHEN (` + SQLiteKey + `) IS NULL THEN 'available' ELSE 'pending' END, scheduled_at = datetime('now', 'subsec')
			WHERE id IN (WHO) AND ` + blocked + ` AND NOT EXISTS (SELECT 1 FROM stead_follow WHERE follower = river_job.id
				AND (outcome IS NULL OR needs <> 'any' AND needs <> outcome))`,
		`INSERT INTO river_notification (payload, topic) SELECT DISTINCT json_object('queue', queue), 'river_insert' FROM river_job
			WHERE id IN (WHO) AND NOT (` + blocked + `)`,
		`DELETE FROM stead_follow WHERE follower IN (SELECT id FROM river_job WHERE id IN (WHO) AND NOT (` + blocked + `))`,
	}
	for i, s := range statements {
		statements[i] = strings.ReplaceAll(s, "WHO", who)
	}
	return statements
}
