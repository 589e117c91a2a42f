// Package faulttest holds the tests of durable against real faults: processes that
// are killed or stopped, databases that crash, disks that are full, networks that
// are cut. It has no code of its own.
//
// What dies is the program in worker, built by the test. Its handler appends the
// begin and the end of every run to a journal, one write per line, which a kill
// cannot take back. The verdict compares sets: every job that was accepted has an
// end in the journal and is completed in the store.
//
// The tests run where STEAD_TEST_FAULTS is set. STEAD_TEST_FAULTS_ROUNDS repeats the
// tests that meet another moment each time. STEAD_TEST_POSTGRES names a server in which
// they make databases of their own; without it they start one. STEAD_TEST_CHAOS is how
// long the chaos lasts (15s if it is not set) and STEAD_TEST_CHAOS_STOP how long a worker
// is stopped in it at most:
//
//	STEAD_TEST_FAULTS=1 STEAD_TEST_CHAOS=60s go test -v -run Chaos ./durable/faulttest
package faulttest
