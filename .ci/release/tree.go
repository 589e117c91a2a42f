package main

import (
	"archive/zip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// copyCheckout copies what belongs to the project, also what is not committed yet.
func (t tree) copyCheckout() error {
	out, err := t.command(".", "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	if err != nil {
		return err
	}
	for _, name := range strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		err := copyFile(name, filepath.Join(t.dir, name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // deleted, and not committed yet
			return err
		}
	}
	return nil
}

func copyFile(from, to string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o750); err != nil {
		return err
	}
	return os.WriteFile(to, text, info.Mode().Perm())
}

// publish puts each module into the proxy. Unless the tree is raw, a module first
// requires the released versions of its siblings and loses its replaces.
func (t tree) publish(raw bool) error {
	for _, module := range published {
		if !raw {
			if err := t.prepare(module); err != nil {
				return fmt.Errorf("module %s: %w", module, err)
			}
		}
		if err := t.pack(module); err != nil {
			return fmt.Errorf("module %s: %w", module, err)
		}
	}
	return nil
}

func (t tree) prepare(module string) error {
	dir := filepath.Join(t.dir, module)
	out, err := t.command(dir, "go", "mod", "edit", "-json")
	if err != nil {
		return err
	}
	var mod struct {
		Require []struct{ Path string }
		Replace []struct{ Old struct{ Path string } }
	}
	if err := json.Unmarshal(out, &mod); err != nil {
		return err
	}
	args := []string{"mod", "edit"}
	for _, r := range mod.Require {
		if r.Path == root || strings.HasPrefix(r.Path, root+"/") {
			args = append(args, "-require", r.Path+"@"+t.version)
		}
	}
	for _, r := range mod.Replace {
		args = append(args, "-dropreplace", r.Old.Path)
	}
	if len(args) > 2 {
		if _, err := t.command(dir, "go", args...); err != nil {
			return err
		}
	}
	_, err = t.command(dir, "go", "mod", "tidy") // writes the sums of the siblings
	return err
}

// pack writes what a module proxy serves of one version.
func (t tree) pack(module string) error {
	path := root
	if module != "." {
		path += "/" + module
	}
	dir := filepath.Join(t.proxy(), filepath.FromSlash(path), "@v")
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	mod, err := os.ReadFile(filepath.Join(t.dir, module, "go.mod"))
	if err != nil {
		return err
	}
	info := fmt.Sprintf(`{"Version":%q,"Time":%q}`, t.version, time.Now().UTC().Format(time.RFC3339))
	for name, text := range map[string]string{"list": t.version + "\n", t.version + ".info": info, t.version + ".mod": string(mod)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	file, err := os.Create(filepath.Join(dir, t.version+".zip"))
	if err != nil {
		return err
	}
	return errors.Join(t.zip(file, module, path+"@"+t.version+"/"), file.Close())
}

// zip writes the files of a module, without those of the modules below it.
func (t tree) zip(to io.Writer, module, prefix string) error {
	w := zip.NewWriter(to)
	top := filepath.Join(t.dir, module)
	err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if _, err := os.Stat(filepath.Join(path, "go.mod")); d.Name() == ".git" || err == nil && path != top {
				return filepath.SkipDir
			}
			return nil
		}
		name, err := filepath.Rel(top, path)
		if err != nil {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		f, err := w.Create(prefix + filepath.ToSlash(name))
		if err != nil {
			return err
		}
		_, err = f.Write(text)
		return err
	})
	if err != nil {
		return err
	}
	if module != "." { // as the go command does for a module without one of its own
		text, err := os.ReadFile(filepath.Join(t.dir, "LICENSE"))
		if err != nil {
			return err
		}
		f, err := w.Create(prefix + "LICENSE")
		if err != nil {
			return err
		}
		if _, err := f.Write(text); err != nil {
			return err
		}
	}
	return w.Close()
}
