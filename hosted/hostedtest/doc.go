// Package hostedtest runs a host inside a test and checks services against the
// contract of package hosted.
//
// # Usage
//
// A test that needs a running host:
//
//	func TestOrders(t *testing.T) {
//		host := hosted.New(hosted.Config{})
//		host.Add("orders", orders)
//		hostedtest.Start(t, host) // stopped, and checked for leaks, when the test is over
//		...
//	}
//
// A test that holds a service of one's own to the contract:
//
//	func TestMailer(t *testing.T) {
//		hostedtest.Conform(t, func() hosted.Service { return NewMailer() })
//	}
//
// # Guarantees
//
//  1. [Start] fails the test if the host does not start, if its stop returns an
//     error, if a service did not stop in time, and if a goroutine of one of its
//     services is left, with the stack.
//  2. Goroutines are told apart by their pprof labels, which those that a service
//     starts inherit: tests that run in parallel do not see each other's.
//  3. A fault fails the sub-test of [Conform] that names it. Sub-tests that cannot
//     say anything because of it are skipped and say so.
//
// # Cost
//
// A service that conforms takes [Conform] about half a second, in which it waits
// to see whether goroutines end that should not. Each fault adds the seconds for
// which a call was waited for.
//
// # Not for
//
// Goroutines without the labels: those that a package started on its own before,
// such as in an init function. goleak.VerifyTestMain finds these. A service that
// needs load to show a fault, such as a Stop that waits for a request without end:
// give it that load in a test of its own.
package hostedtest
