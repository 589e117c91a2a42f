module github.com/steadgo/stead/examples

go 1.26.0

replace github.com/steadgo/stead => ../
