// Package bench measures the queue beside what people use instead, in one
// process, with the contenders taking turns round by round: on a machine that
// does other work too, only ratios of neighboring rounds mean something.
//
//	go run ./bench/cmd/compare -h
//	go test -bench . -benchtime 1x ./bench/...
//
// A contender for queues is a [Queue] and for running tasks a [Pool]. Each
// writes its own loops, so that no contender pays for an interface call that its
// users would not make.
package bench
