module github.com/steadgo/stead/template/worker

go 1.26.0

require github.com/steadgo/stead v0.0.0

require (
	github.com/benbjohnson/clock v1.3.0 // indirect
	github.com/netresearch/go-cron v0.15.0 // indirect
	github.com/sourcegraph/conc v0.3.0 // indirect
	golang.org/x/sync v0.1.0 // indirect
)

replace github.com/steadgo/stead => ../..
