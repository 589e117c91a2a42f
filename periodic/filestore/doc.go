// Package filestore keeps the last runs of jobs in files, so that a job that is
// started again knows which slots it missed while the process was down, and a
// fixed rate keeps its grid.
//
// # Usage
//
//	store, err := filestore.New("/var/lib/shop/lastrun")
//	job, err := periodic.New(periodic.Config{Name: "report", Schedule: daily, LastRun: store}, report)
//
// # Guarantees
//
//  1. A save replaces the file in one step and flushes it before that, so a crash
//     leaves the old or the new time, not half of one.
//  2. Any name of a job is a name of a file, however long: what a file system does
//     not like in it is escaped. Names that differ in upper and lower case only
//     share a file where the file system does not tell them apart.
//  3. Several stores, also of several processes, may share a directory if their
//     jobs have different names.
//
// # Cost
//
// A save takes as long as the disk takes to flush a file of 40 bytes: on most
// disks a few milliseconds, once for each run. A job due every second wants a
// store of its own making, which is two methods.
//
// # Not for
//
// Containers whose file system goes away with them: there the directory has to be
// a volume, or the store a table in the database that the program has anyway.
package filestore
