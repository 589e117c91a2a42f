// Package hostedtest runs a host inside a test, and checks services against the contract
// of package hosted.
//
// # Usage
//
// A test that needs a running host:
//
//	func TestOrders(t *testing.T) {
//		host := hosted.New(hosted.Config{})
//		host.Add("orders", orders)
//		hostedtest.Start(t, host) // stopped, and checked for leaks, at the end of the test
//		...
//	}
//
// A test that checks a service of your own against the contract:
//
//	func TestMailer(t *testing.T) {
//		hostedtest.Conform(t, func() hosted.Service { return NewMailer() })
//	}
//
// # Guarantees
//
//  1. [Start] fails the test if the host does not start, if its stop returns an error, if
//     a service does not stop in time, and if a goroutine of a service is left, with the
//     stack.
//  2. Goroutines are told apart by their pprof labels, which the goroutines of a service
//     inherit. Tests that run in parallel do not see each other's goroutines.
//  3. A fault fails the sub-test of [Conform] that names it. Sub-tests that cannot say
//     anything because of the fault are skipped and say so.
//
// # Cost
//
// [Conform] takes about half a second for a service that conforms, in which it watches
// for goroutines that end and should not. Each fault adds the seconds for which Conform
// waits for a call.
//
// # Not for
//
// Goroutines without the labels: the ones that a package started before, such as in an init
// function. goleak.VerifyTestMain finds these. A service that needs load to show a fault,
// such as a Stop that waits for a request endlessly: apply that load in a test of your
// own.
package hostedtest
