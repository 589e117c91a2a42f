package dashboard

// waits reports whether a run of a schedule waits for another one to end, as one does
// that was triggered meanwhile.
func (s source) waits() bool {
	j, ok := find[scheduleSource](s)
	return ok && j.Stats().Behind > 0
}

// begun is how many things an action was done to: none, if what was triggered waits.
func (inv *inventory) begun(n int) int {
	if inv.waits {
		return 0
	}
	return n
}
