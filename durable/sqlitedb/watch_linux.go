package sqlitedb

import (
	"context"
	"os"
	"syscall"
	"time"
)

// watch tells when a file is written to, without a look at it.
type watch struct {
	path   string
	events *os.File
}

// newWatch returns nil if the system grants none.
func newWatch(path string) *watch {
	fd, err := syscall.InotifyInit1(syscall.IN_NONBLOCK | syscall.IN_CLOEXEC)
	if err != nil {
		return nil
	}
	w := &watch{path, os.NewFile(uintptr(fd), "inotify")}
	if w.events.SetReadDeadline(time.Time{}) != nil { // a wait could not end
		w.close()
		return nil
	}
	return w
}

// begin watches the file that the path names now, and reports whether it does.
func (w *watch) begin() bool {
	if w == nil {
		return false
	}
	conn, err := w.events.SyscallConn()
	if err != nil {
		return false
	}
	var failed error
	err = conn.Control(func(fd uintptr) {
		_, failed = syscall.InotifyAddWatch(int(fd), w.path, syscall.IN_MODIFY)
	})
	return err == nil && failed == nil
}

// wait blocks until the file is written to, a time has passed, or ctx is done. It returns
// at once if the file was written to since the last wait, and reports whether it was.
func (w *watch) wait(ctx context.Context, d time.Duration) (written bool) {
	if w.events.SetReadDeadline(time.Now().Add(d)) != nil {
		return false
	}
	defer context.AfterFunc(ctx, func() { _ = w.events.SetReadDeadline(time.Unix(1, 0)) })()
	var events [4096]byte
	n, _ := w.events.Read(events[:])
	return n > 0
}

func (w *watch) close() {
	if w != nil {
		_ = w.events.Close()
	}
}
