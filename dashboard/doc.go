// Package dashboard is a web page over one host.
package dashboard
