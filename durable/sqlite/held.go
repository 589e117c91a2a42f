package sqlite

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// openFiles are the files of the stores that are open in this process, one for each.
// It is the process that has them, as it has the locks.
var openFiles struct {
	sync.Mutex
	list    []os.FileInfo
	opening int // stores that are not in the list yet
}

const descriptors = "/proc/self/fd" // of Linux

// heldOtherwise returns an error if this process has the file open, and not only for
// stores of this package. A connection that is being closed has a moment.
func heldOtherwise(path string) error {
	const patience, pause = time.Second, 5 * time.Millisecond
	for end := time.Now().Add(patience); ; time.Sleep(pause) {
		fd, sure := holder(path)
		if fd == "" {
			return nil
		}
		if sure && time.Now().After(end) {
			return fmt.Errorf("this process has the file open already, as descriptor %s. Two copies of the SQLite library in one process "+
				"destroy a file: they do not see each other's locks. Give the program's own database to sqlitedb.Wrap, or use the DB of this store", fd)
		}
	}
}

// holder is the descriptor under which the file is open, empty if there is none, it
// cannot be told, or a store has it. It opens nothing: to close that would end the
// locks that others have. It is not sure while other stores are being opened.
func holder(path string) (name string, sure bool) {
	file, err := os.Stat(path)
	if err != nil {
		return "", true // there is none yet
	}
	openFiles.Lock()
	own := slices.ContainsFunc(openFiles.list, func(f os.FileInfo) bool { return os.SameFile(f, file) })
	sure = openFiles.opening == 0
	openFiles.Unlock()
	if own {
		return "", true
	}
	fds, _ := os.ReadDir(descriptors)
	for _, fd := range fds {
		if open, err := os.Stat(filepath.Join(descriptors, fd.Name())); err == nil && os.SameFile(open, file) {
			return fd.Name(), sure
		}
	}
	return "", true
}

// opening notes that a store is being opened, by which it has been seen that nobody
// else has the file, until the function is called.
func opening() (done func()) {
	openFiles.Lock()
	defer openFiles.Unlock()
	openFiles.opening++
	return func() {
		openFiles.Lock()
		defer openFiles.Unlock()
		openFiles.opening--
	}
}

// hold notes that a store has the file open, until the function is called.
func hold(file os.FileInfo) (release func()) {
	openFiles.Lock()
	defer openFiles.Unlock()
	openFiles.list = append(openFiles.list, file)
	return sync.OnceFunc(func() {
		openFiles.Lock()
		defer openFiles.Unlock()
		i := slices.IndexFunc(openFiles.list, func(f os.FileInfo) bool { return os.SameFile(f, file) })
		openFiles.list = slices.Delete(openFiles.list, i, i+1)
	})
}
