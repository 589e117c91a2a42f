package store_test

import (
	"testing"

	"github.com/steadgo/stead/durable/internal/store"
)

func TestOnlyNamesOfTheStoreAreQualified(t *testing.T) {
	const statement = `SELECT stead_release(j.id), $1::river_job_state, metadata->>'stead_key' FROM river_job AS j, other.river_job, "river_x", xriver_y
		WHERE j.stead_z = 'it''s river_job' AND river_job.id = 1`
	const want = `SELECT "S1".stead_release(j.id), $1::"S1".river_job_state, metadata->>'stead_key' FROM "S1".river_job AS j, other.river_job, "river_x", xriver_y
		WHERE j.stead_z = 'it''s river_job' AND "S1".river_job.id = 1`
	if got := store.Qualify("S1", statement); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := store.Qualify("", statement); got != statement {
		t.Errorf("without a schema: %s", got)
	}
}
