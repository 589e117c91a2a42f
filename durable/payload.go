package durable

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/steadgo/stead/internal/guard"
)

// notStored names the fields of a payload that JSON leaves out, and is an error if
// nothing of it would be stored at all. What writes its own JSON knows what it does.
func notStored(t reflect.Type) (lost []string, err error) {
	if writesItself(t) {
		return nil, nil
	}
	switch t.Kind() {
	case reflect.Pointer:
		return notStored(t.Elem())
	case reflect.Struct:
		stored := 0
		for f := range t.Fields() {
			switch {
			case f.IsExported() && f.Tag.Get("json") != "-", f.Anonymous:
				stored++
			case !f.IsExported():
				lost = append(lost, f.Name)
			}
		}
		if stored == 0 && len(lost) > 0 {
			return nil, fmt.Errorf("%v has no exported field: it would be stored as {}", t)
		}
	default:
	}
	return lost, nil
}

func writesItself(t reflect.Type) bool {
	for _, writer := range []reflect.Type{reflect.TypeFor[json.Marshaler](), reflect.TypeFor[encoding.TextMarshaler]()} {
		if t.Implements(writer) || reflect.PointerTo(t).Implements(writer) {
			return true
		}
	}
	return false
}

// wrapped is what the store has in place of an item that is not a JSON object. The
// engine's SQLite driver reads the arguments of a job as an object.
type wrapped struct {
	Item json.RawMessage `json:"item"`
}

// wrap returns the arguments of the job for an item, and whether they are wrapped. The
// job's note says so: an object of the program's own may well look the same.
func wrap(item json.RawMessage) (args json.RawMessage, is bool, err error) {
	if item[0] == '{' {
		return item, false, nil
	}
	args, err = json.Marshal(wrapped{item})
	return args, true, err
}

// unwrap returns the item of a job. Versions before this one wrapped none.
func unwrap(args, metadata []byte) json.RawMessage {
	var w wrapped
	if noteOf(metadata).Wrapped && json.Unmarshal(args, &w) == nil {
		return w.Item
	}
	return args
}

// decode reads the item of a job. A panic in the item's own UnmarshalJSON is an error:
// some of this happens on goroutines of the engine that nobody guards.
func decode[T any](args, metadata []byte) (item T, err error) {
	err = guard.Call(func() error { return json.Unmarshal(unwrap(args, metadata), &item) })
	return item, err
}
