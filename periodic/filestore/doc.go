// Package filestore stores the last runs of jobs in files. A job that is started
// again then knows which slots it missed while the process was down, and a fixed
// rate keeps its grid.
//
// # Usage
//
//	store, err := filestore.New("/var/lib/shop/lastrun")
//	job, err := periodic.New(periodic.Config{Name: "report", Schedule: daily, LastRun: store}, report)
//
// # Guarantees
//
//  1. A save flushes a new file and then replaces the old one in one step. A crash
//     leaves the old or the new time, never half of one.
//  2. Any job name is valid, however long. Characters that file systems do not
//     accept are escaped. Names that differ only in case share a file where the
//     file system ignores case.
//  3. Several stores, also of several processes, may share a directory if their
//     jobs have different names.
//
// # Cost
//
// A save takes as long as the disk takes to flush a file of 40 bytes. On most disks
// that is a few milliseconds, once for each run. For a job that is due every
// second, write a store of your own, which is two methods.
//
// # Not for
//
// Containers whose file system is deleted with them. There the directory must be a
// volume, or the store a table in the database of the program.
package filestore
