package dashboard

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"net/http"
	"path"
	"time"
)

//go:embed assets
var files embed.FS

// kinds are fixed here, as what the system thinks of an extension differs from
// machine to machine and browsers are told not to guess.
var kinds = map[string]string{
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
	".json": "application/schema+json",
}

// asset is a file that never changes while the program runs.
type asset struct {
	data []byte
	etag string
	kind string
}

func loadAssets() map[string]asset {
	entries, err := files.ReadDir("assets")
	if err != nil {
		panic("stead/dashboard: " + err.Error())
	}
	assets := make(map[string]asset, len(entries))
	for _, e := range entries {
		data, err := files.ReadFile("assets/" + e.Name())
		if err != nil {
			panic("stead/dashboard: " + err.Error())
		}
		sum := sha256.Sum256(data)
		assets[e.Name()] = asset{data, `"` + hex.EncodeToString(sum[:8]) + `"`, kinds[path.Ext(e.Name())]}
	}
	return assets
}

// serveAsset lets the browser keep the file but ask whether it is still the
// same, as the next version of the program may have another one.
func (d *Dashboard) serveAsset(w http.ResponseWriter, r *http.Request, name string) {
	a, ok := d.assets[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Cache-Control", "no-cache")
	h.Set("ETag", a.etag)
	h.Set("Content-Type", a.kind)
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(a.data))
}
