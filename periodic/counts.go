package periodic

// counts is what became of the runs of a job, or of several, by bucket. All but
// skipped add up to the runs.
type counts struct {
	ended   [len(outcomeNames)]uint64
	on      uint64
	skipped uint64
}

// Counts is what became of all runs since New, for the report of a host: "runs" is
// the sum of "succeeded", "failed", "panicked", "timed_out", "cancelled" and
// "still_on", which are there when they are not zero; beside them "skipped" is
// what Stats has as Skipped.
func (j *Job) Counts() map[string]uint64 {
	var t counts
	t.add(j)
	return t.buckets()
}

// Counts is the sum of [Job.Counts] over the jobs that the scheduler has; what was
// removed is not in it. It is for the report of a host.
func (s *Scheduler) Counts() map[string]uint64 {
	var t counts
	for _, j := range s.Jobs() {
		t.add(j)
	}
	return t.buckets()
}

func (t *counts) add(j *Job) {
	j.mu.Lock()
	defer j.mu.Unlock()
	t.on += uint64(j.running)
	if j.rec == nil {
		return
	}
	t.ended[Succeeded] += j.rec.succeeded
	if past := j.rec.trouble; past != nil {
		for o, n := range past.outcomes {
			t.ended[o] += n
		}
		t.skipped += past.skips.Total()
	}
}

func (t *counts) buckets() map[string]uint64 {
	all := map[string]uint64{"still_on": t.on, "skipped": t.skipped}
	runs := t.on
	for o, n := range t.ended {
		all[Outcome(o).String()] = n
		runs += n
	}
	for name, n := range all {
		if n == 0 {
			delete(all, name)
		}
	}
	all["runs"] = runs
	return all
}
