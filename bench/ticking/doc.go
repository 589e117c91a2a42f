// Package ticking measures what it costs to run many jobs once a second, with
// Stead's schedules and with what people use for that: a goroutine and a ticker
// for each, timers, and four scheduler libraries.
//
//	go run ./bench/cmd/ticking -h
//	go test -bench . -benchtime 1x ./bench/ticking
//
// Every contender does the same work in the same process, one after the other:
// each job notes how late it is, and nothing else. The jobs' slots are either
// spread evenly over the second or all at the same instant, the burst.
//
// # What the numbers are
//
// Set-up is the time until the call that starts the scheduler returned, from
// nothing; some libraries go on sorting their entries after that, to their
// advantage here. Bytes are heap and stacks, collected, for each job with its
// name and its function; the runtime's descriptor of a goroutine, some 440 bytes
// that are reused and never freed, is left out for all. CPU is that of the
// whole process, the collector and the measuring included, as a share of one
// core.
//
// A slot counts as run if a run begins after it and before the next one of that
// job. So no lateness is longer than the period; where many slots were not run
// it says little.
package ticking
