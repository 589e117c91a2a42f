module github.com/steadgo/stead/bench

go 1.26.0

replace github.com/steadgo/stead => ../

require (
	github.com/puzpuzpuz/xsync/v4 v4.5.0
	github.com/steadgo/stead v0.0.0
)
