module github.com/steadgo/stead/dashboard/browsertest

go 1.26.0

require (
	github.com/chromedp/chromedp v0.22.1
	github.com/steadgo/stead v0.0.0
)

replace github.com/steadgo/stead => ../..
