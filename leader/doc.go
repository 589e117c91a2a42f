// Package leader lets one process of many do a thing at a time.
package leader
