module github.com/steadgo/stead/otel

go 1.26.0

replace github.com/steadgo/stead => ../

// The oldest versions that pass the tests; see ../go.mod.
require (
	github.com/riverqueue/river/rivertype v0.51.0
	github.com/steadgo/stead v0.0.0
	go.opentelemetry.io/otel v1.24.0
	go.opentelemetry.io/otel/sdk v1.24.0
	go.opentelemetry.io/otel/trace v1.24.0
	go.uber.org/goleak v1.3.0
)

require (
	github.com/benbjohnson/clock v1.3.0 // indirect
	github.com/go-logr/logr v1.4.1 // indirect
	github.com/go-logr/stdr v1.2.2 // indirect
	github.com/netresearch/go-cron v0.15.0 // indirect
	github.com/sourcegraph/conc v0.3.0 // indirect
	go.opentelemetry.io/otel/metric v1.24.0 // indirect
	golang.org/x/sync v0.1.0 // indirect
	golang.org/x/sys v0.17.0 // indirect
	golang.org/x/time v0.1.0 // indirect
)
