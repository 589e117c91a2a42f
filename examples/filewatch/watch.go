package main

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/fsnotify/fsnotify"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/hosted"
)

// watcher tells a queue which files may have changed, by their paths within dir.
// It does not read the files: an event says that a file changed, and not what the
// file holds by the time it is read.
type watcher struct {
	dir     string
	stored  func(context.Context) ([]string, error) // what is known from before, and may be gone
	changes channelq.Enqueuer[string]
	log     *slog.Logger

	notify  *fsnotify.Watcher
	folders map[string]bool // that are watched
}

// run watches until ctx is done.
func (w *watcher) run(ctx context.Context) error {
	defer w.close()
	err := w.scan(ctx)
	if err != nil {
		return err
	}
	hosted.Ready(ctx) // nothing can be missed any more
	for err == nil {
		select {
		case event := <-w.notify.Events:
			err = w.handle(ctx, event)
		case failure := <-w.notify.Errors:
			// Mostly that the kernel's buffer was full. Events are lost then, and
			// only looking at everything tells which.
			w.log.Warn("file events lost", "error", failure)
			err = w.scan(ctx)
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
	}
	return err
}

func (w *watcher) handle(ctx context.Context, event fsnotify.Event) error {
	gone := event.Has(fsnotify.Remove) || event.Has(fsnotify.Rename)
	info, err := os.Stat(event.Name)
	switch {
	case gone && w.folders[event.Name], err == nil && info.IsDir() && event.Has(fsnotify.Create):
		// A folder that comes or goes brings or takes files of which there are no
		// events, and a new one is not watched yet.
		return w.scan(ctx)
	case event.Op != fsnotify.Chmod:
		return w.report(ctx, event.Name)
	}
	return nil
}

// scan watches all folders and reports all files: the existing ones and the stored
// ones, some of which may have been removed unnoticed. Most files have not changed;
// scan does not check that.
func (w *watcher) scan(ctx context.Context) (err error) {
	// A renamed folder would still be watched under its old name, so all watches are
	// recreated. The scan finds the changes that are missed meanwhile.
	w.close()
	if w.notify, err = fsnotify.NewWatcher(); err != nil {
		return err
	}
	w.folders = map[string]bool{}
	err = filepath.WalkDir(w.dir, func(path string, entry fs.DirEntry, err error) error {
		if path != w.dir && os.IsNotExist(err) {
			return nil // gone since it was listed
		}
		if err == nil && entry.IsDir() {
			// WalkDir lists the folder after this. The other way round, a file made
			// in between would be missed; this way it is at worst reported twice.
			w.folders[path] = true
			err = w.notify.Add(path)
		} else if err == nil {
			err = w.report(ctx, path)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("scan %s: %w", w.dir, err)
	}
	stored, err := w.stored(ctx)
	for _, path := range stored {
		if err := w.changes.Enqueue(ctx, path); err != nil {
			return err
		}
	}
	return err
}

func (w *watcher) report(ctx context.Context, path string) error {
	name, err := filepath.Rel(w.dir, path)
	if err != nil || filepath.Ext(name) != ".md" {
		return err
	}
	return w.changes.Enqueue(ctx, filepath.ToSlash(name))
}

func (w *watcher) close() {
	if w.notify != nil {
		_ = w.notify.Close()
	}
}
