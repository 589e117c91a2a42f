package bench

// Cases are the ones to compare by default, or all of them: every capacity and
// size of items too.
func Cases(all bool) []Case {
	var cases []Case
	capacities, sizes := []int{1024}, []int{8}
	if all {
		capacities, sizes = []int{64, 1024, 65536}, []int{8, 128}
	}
	for _, batch := range []int{1, 64} {
		for _, bytes := range sizes {
			for _, capacity := range capacities {
				for _, cast := range Casts {
					cases = append(cases, Throughput(cast, capacity, bytes, batch))
				}
			}
		}
	}
	for _, busy := range []bool{false, true} {
		for _, producers := range []int{1, 4, 64} {
			cases = append(cases, Tasks(producers, busy))
		}
	}
	for _, capacity := range []int{1, 64, 1024} {
		cases = append(cases, Fairness(capacity))
	}
	return append(cases, Latency(false), Latency(true))
}
