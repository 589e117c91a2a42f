module github.com/steadgo/stead

go 1.26.0

// The oldest versions that pass the tests: a user's program is not to be raised
// for our sake. So neither go get -u nor go work sync here.
require (
	github.com/anishathalye/porcupine v1.0.0
	github.com/benbjohnson/clock v1.3.0
	github.com/coreos/go-systemd/v22 v22.7.0
	github.com/netresearch/go-cron v0.15.0
	github.com/sourcegraph/conc v0.3.0
	go.uber.org/goleak v1.3.0
	golang.org/x/sync v0.1.0
	golang.org/x/sys v0.1.0
	golang.org/x/time v0.1.0
	pgregory.net/rapid v1.1.0
)

