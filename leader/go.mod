module github.com/steadgo/stead/leader

go 1.26.0

replace github.com/steadgo/stead => ../
