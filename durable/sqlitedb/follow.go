package sqlitedb

import (
	"strings"

	"github.com/steadgo/stead/durable/internal/store"
)

// prepareFollow creates the table of what waits for the end of jobs, and the triggers that
// write the end there in the transaction that ends a job: of a handler, a rescue, a user of a
// page, or another version of the program. No trigger ends a job, because SQLite may not call a
// trigger from itself. The last statement is what SQLite would write with the first job that is
// taken, because a trigger may insert an announcement.
var prepareFollow = `CREATE TABLE IF NOT EXISTS stead_follow (
		follower integer NOT NULL, job integer NOT NULL, needs text NOT NULL, outcome text, PRIMARY KEY (follower, job)) WITHOUT ROWID;
	CREATE INDEX IF NOT EXISTS stead_follow_job ON stead_follow (job);
	CREATE INDEX IF NOT EXISTS stead_follow_open ON stead_follow (follower) WHERE outcome IS NULL OR needs <> 'any' AND needs <> outcome;
	CREATE INDEX IF NOT EXISTS stead_follow_void ON stead_follow (follower) WHERE needs <> 'any' AND needs <> outcome;
	CREATE TRIGGER IF NOT EXISTS stead_ended AFTER UPDATE OF state ON river_job
		WHEN NEW.finalized_at IS NOT NULL AND OLD.finalized_at IS NULL
			AND (EXISTS (SELECT 1 FROM stead_follow WHERE job = NEW.id) OR EXISTS (SELECT 1 FROM stead_follow WHERE follower = NEW.id))
		BEGIN ` + ended("NEW.id", `CASE WHEN NEW.state = 'completed' THEN 'handled'
			WHEN NEW.state = 'cancelled' AND json_extract(NEW.metadata, '$.cancel_attempted_at') IS NOT NULL THEN 'canceled'
			WHEN needs = 'handled' THEN NULL ELSE 'gave_up' END`) + ` END;
	CREATE TRIGGER IF NOT EXISTS stead_gone AFTER DELETE ON river_job
		WHEN EXISTS (SELECT 1 FROM stead_follow WHERE job = OLD.id) OR EXISTS (SELECT 1 FROM stead_follow WHERE follower = OLD.id)
		BEGIN ` + ended("OLD.id", "'canceled'") + ` END;
	INSERT INTO sqlite_sequence (name, seq) SELECT 'river_notification', 0
		WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'river_notification')`

func ended(id, outcome string) string {
	all := []string{
		"DELETE FROM stead_follow WHERE follower = " + id,
		"UPDATE stead_follow SET outcome = " + outcome + " WHERE job = " + id + " AND outcome IS NULL",
	}
	all = append(all, store.SQLiteRelease("SELECT follower FROM stead_follow WHERE job = "+id)...)
	return strings.Join(all, "; ") + ";"
}
