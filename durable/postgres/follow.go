package postgres

// prepareFollow creates the table of what waits for the end of jobs, and the triggers that
// write the end there in the transaction that ends a job: of a handler, a rescue, a user of a
// page, or another version of the program. A job that nobody follows costs a look at its
// metadata, and no call. The row of a follower is locked before its conditions are read: of two
// transactions that end its last two jobs, the second sees the first.
const prepareFollow = `CREATE TABLE stead_follow (
		follower bigint NOT NULL, job bigint NOT NULL, needs text NOT NULL, outcome text, PRIMARY KEY (follower, job));
	CREATE INDEX stead_follow_job ON stead_follow (job);
	CREATE INDEX stead_follow_open ON stead_follow (follower) WHERE outcome IS NULL OR needs <> 'any' AND needs <> outcome;
	CREATE INDEX stead_follow_void ON stead_follow (follower) WHERE needs <> 'any' AND needs <> outcome;
	CREATE FUNCTION stead_release(who bigint) RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT AS $release$
		DECLARE its_queue text;
		BEGIN
			UPDATE river_job AS b SET
				metadata = (b.metadata - 'stead_follows') || jsonb_build_object('stead_ends', (SELECT jsonb_build_object(
					'handled', count(*) FILTER (WHERE outcome = 'handled'), 'gave_up', count(*) FILTER (WHERE outcome = 'gave_up'),
					'canceled', count(*) FILTER (WHERE outcome = 'canceled')) FROM stead_follow WHERE follower = who)),
				state = CASE WHEN b.metadata ? 'stead_key' THEN 'pending' ELSE 'available' END::river_job_state, scheduled_at = now()
				WHERE b.id = who AND b.state = 'scheduled' AND b.scheduled_at > '9999-01-01' AND NOT EXISTS (
					SELECT 1 FROM stead_follow WHERE follower = who AND (outcome IS NULL OR needs <> 'any' AND needs <> outcome))
				RETURNING b.queue INTO its_queue;
			IF FOUND THEN
				DELETE FROM stead_follow WHERE follower = who;
				PERFORM pg_notify(current_schema() || '.river_insert', json_build_object('queue', its_queue)::text);
			END IF;
		END $release$;
	CREATE FUNCTION stead_ended() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $ended$
		DECLARE came_to text := 'canceled'; who bigint;
		BEGIN
			DELETE FROM stead_follow WHERE follower = OLD.id;
			IF TG_OP = 'UPDATE' THEN
				came_to := CASE WHEN NEW.state = 'completed' THEN 'handled'
					WHEN NEW.state = 'cancelled' AND NEW.metadata ? 'cancel_attempted_at' THEN 'canceled' ELSE 'gave_up' END;
			END IF;
			PERFORM 1 FROM river_job WHERE id IN (SELECT follower FROM stead_follow WHERE job = OLD.id AND outcome IS NULL)
				ORDER BY id FOR NO KEY UPDATE;
			FOR who IN UPDATE stead_follow SET outcome = came_to WHERE job = OLD.id AND outcome IS NULL
				AND NOT (needs = 'handled' AND came_to = 'gave_up') RETURNING follower
			LOOP
				PERFORM stead_release(who);
			END LOOP;
			RETURN NULL;
		END $ended$;
	CREATE TRIGGER stead_ended AFTER UPDATE OF state ON river_job FOR EACH ROW
		WHEN (NEW.finalized_at IS NOT NULL AND OLD.finalized_at IS NULL AND NEW.metadata ?| '{stead_followed,stead_follows}')
		EXECUTE FUNCTION stead_ended();
	CREATE TRIGGER stead_gone AFTER DELETE ON river_job FOR EACH ROW
		WHEN (OLD.metadata ?| '{stead_followed,stead_follows}') EXECUTE FUNCTION stead_ended();`
