package periodic

// counts are the outcomes of the runs of one or several jobs. All counts but
// skipped add up to the number of runs.
type counts struct {
	ended   [len(outcomeNames)]uint64
	running uint64
	skipped uint64
}

// Counts returns the outcomes of all runs since New, for the report of a host.
// "runs" is the sum of "succeeded", "failed", "panicked", "timed_out", "canceled"
// and "running". Except for "runs", a count that is zero is absent. "skipped" is
// the total of Stats.Skipped and not part of the sum.
func (j *Job) Counts() map[string]uint64 {
	var t counts
	t.add(j)
	return t.buckets()
}

// Counts returns the sum of [Job.Counts] over the jobs of the scheduler, without
// removed jobs. It is for the report of a host.
func (s *Scheduler) Counts() map[string]uint64 {
	var t counts
	for _, j := range s.inAnyOrder() {
		t.add(j)
	}
	return t.buckets()
}

func (t *counts) add(j *Job) {
	j.mu.Lock()
	defer j.mu.Unlock()
	t.running += uint64(j.running)
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
	all := map[string]uint64{"running": t.running, "skipped": t.skipped}
	runs := t.running
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
