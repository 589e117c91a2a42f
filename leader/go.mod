module github.com/steadgo/stead/leader

go 1.26.0

replace github.com/steadgo/stead => ../

// The oldest versions that pass the tests; see ../go.mod.
require (
	github.com/alicebob/miniredis/v2 v2.31.0
	github.com/jackc/pgx/v5 v5.7.6
	github.com/redis/go-redis/v9 v9.0.5
	github.com/steadgo/stead v0.0.0
	go.uber.org/goleak v1.3.0
)

require (
	github.com/alicebob/gopher-json v0.0.0-20200520072559-a9ecdc9d1d3a // indirect
	github.com/benbjohnson/clock v1.3.0 // indirect
	github.com/cespare/xxhash/v2 v2.2.0 // indirect
	github.com/dgryski/go-rendezvous v0.0.0-20200823014737-9f7001d12a5f // indirect
	github.com/jackc/pgpassfile v1.0.0 // indirect
	github.com/jackc/pgservicefile v0.0.0-20240606120523-5a60cdf6a761 // indirect
	github.com/jackc/puddle/v2 v2.2.2 // indirect
	github.com/netresearch/go-cron v0.15.0 // indirect
	github.com/sourcegraph/conc v0.3.0 // indirect
	github.com/yuin/gopher-lua v1.1.0 // indirect
	golang.org/x/crypto v0.37.0 // indirect
	golang.org/x/sync v0.13.0 // indirect
	golang.org/x/text v0.24.0 // indirect
	golang.org/x/time v0.1.0 // indirect
)
