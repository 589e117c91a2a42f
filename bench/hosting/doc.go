// Package hosting measures what it costs to start and to stop background
// services, beside the libraries that people use for that and beside a bare
// program that keeps the same promises.
//
//	go run ./bench/cmd/hosting -h
//	go test -bench . -benchtime 1x ./bench/hosting
//
// Every contender does the same: it starts services each of which signals that
// it runs and then waits for its end, waits until all run, stops them and waits
// until all have ended. They take turns round by round in one process, because
// on a machine that does other work too only neighbors can be compared.
//
// The contenders do not promise the same; [Contender.Promises] says what each
// does. Contenders that promise less are there as limits and not as rivals.
package hosting
