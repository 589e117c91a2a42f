// Package nils finds nil behind an interface.
package nils

import "reflect"

// Is reports whether v is nil or holds a nil pointer, map, function or the like, whose
// methods would panic. A constructor asks it of what it is given.
func Is(v any) bool {
	if v == nil {
		return true
	}
	switch r := reflect.ValueOf(v); r.Kind() {
	case reflect.Pointer, reflect.Map, reflect.Func, reflect.Slice, reflect.Chan, reflect.Interface:
		return r.IsNil()
	default:
		return false
	}
}
