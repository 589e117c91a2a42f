// Package stead is the map of the toolkit; it has no code of its own.
package stead
