module github.com/steadgo/stead/bench

go 1.26.0

replace github.com/steadgo/stead => ../
