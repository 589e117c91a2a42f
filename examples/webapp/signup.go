package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/mail"
	"strings"
	"time"

	"github.com/steadgo/stead/channelq"
)

// enqueueBound is how long a visitor waits for a store that does not answer.
const enqueueBound = 5 * time.Second

// signUp takes an address, from the form or as JSON, puts the welcome mail into
// the queue and answers at once. 202 means that the mail is on its way: sent, kept
// in the store, or in the report of what was left over.
func (s *site) signUp(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 8<<10)
	address, status, problem := submitted(r)
	if problem != "" {
		s.answer(w, r, status, problem)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), enqueueBound)
	defer cancel()
	switch err := s.emails.Enqueue(ctx, welcome{Email: address}); {
	case err == nil:
		s.answer(w, r, http.StatusAccepted, "Thank you. A welcome mail is on its way to "+address+".")
	case errors.Is(err, channelq.ErrFull), errors.Is(err, channelq.ErrClosed):
		w.Header().Set("Retry-After", "5")
		s.answer(w, r, http.StatusServiceUnavailable, "Too many people are signing up right now. Please try again in a few seconds.")
	default:
		if r.Context().Err() == nil { // otherwise it is the visitor who has gone
			s.log.Error("sign-up was not stored", "error", err)
		}
		w.Header().Set("Retry-After", "30")
		s.answer(w, r, http.StatusServiceUnavailable, "Signing up does not work right now. Please try again in a minute.")
	}
}

// submitted is the address in the request, or what is wrong: a status and a
// sentence for the visitor.
func submitted(r *http.Request) (address string, status int, problem string) {
	address, err := received(r)
	var tooLong *http.MaxBytesError
	switch {
	case errors.As(err, &tooLong):
		return "", http.StatusRequestEntityTooLarge, "That is too long for an e-mail address."
	case err != nil && isJSON(r):
		return "", http.StatusBadRequest, `The body is not JSON like {"email": "you@example.com"}.`
	case err != nil:
		return "", http.StatusBadRequest, "The form could not be read."
	case address == "":
		return "", http.StatusBadRequest, "Please enter an e-mail address."
	}
	// Only a bare address: "Name <a@b>" parses too, and would get around every
	// check on what is shown and sent.
	parsed, err := mail.ParseAddress(address)
	if err != nil || parsed.Address != address || len(address) > 254 || !strings.Contains(address[strings.LastIndexByte(address, '@'):], ".") {
		return "", http.StatusBadRequest, "That does not look like an e-mail address: it should read like you@example.com."
	}
	return address, http.StatusOK, ""
}

// received is what the body has as the address.
func received(r *http.Request) (string, error) {
	if !isJSON(r) {
		err := r.ParseForm()
		return strings.TrimSpace(r.PostForm.Get("email")), err
	}
	var input struct {
		Email string `json:"email"`
	}
	body := json.NewDecoder(r.Body)
	if err := body.Decode(&input); err != nil {
		return "", err
	}
	switch _, err := body.Token(); {
	case errors.Is(err, io.EOF):
		return strings.TrimSpace(input.Email), nil
	case err != nil:
		return "", err
	}
	return "", errors.New("something follows the object")
}

func isJSON(r *http.Request) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && kind == "application/json"
}

// answer replies in the form that the request came in.
func (s *site) answer(w http.ResponseWriter, r *http.Request, status int, text string) {
	if !isJSON(r) {
		page := homePage{Message: text}
		if page.Failed = status >= http.StatusBadRequest; page.Failed {
			page.Typed = r.PostForm.Get("email")
		}
		s.render(w, status, "home.html", s.home(page))
		return
	}
	key := "status"
	if status >= http.StatusBadRequest {
		key = "error"
	}
	writeJSON(w, status, map[string]string{key: text})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n'))
}
