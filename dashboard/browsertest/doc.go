// Package browsertest drives the dashboard in a real browser. It is a module of
// its own, so that the browser's driver is nobody's dependency.
//
//	STEAD_TEST_BROWSER=1 go test -tags extra ./dashboard/browsertest
//
// The value is 1 or the path of a Chromium. Without it the tests are skipped. Without
// the tag they are not even compiled: the driver takes longer than all of this project.
// STEAD_TEST_SCREENSHOTS names a folder that gets a picture of every page.
package browsertest
