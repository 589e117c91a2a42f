// Package mattntest holds the tests of durable/sqlitedb on mattn/go-sqlite3, and of what
// durable/sqlite says beside it. It has no code of its own, and is a module so that
// nobody who uses durable gets that driver. It needs a C compiler, and a minute of it:
//
//	go test -tags extra ./durable/mattntest
package mattntest
