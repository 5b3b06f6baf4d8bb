package oss

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"

	"github.com/aliyun/aliyun-oss-go-sdk/oss"

	"feedstream/shared/reference"
)

// Transient reports whether the same call may succeed later without anyone mending anything: the network failed,
// time ran out, OSS was busy or broken inside, or the body was damaged on its way. Answers such as
// reference.ErrNotFound, a refused signature or a missing bucket are not transient.
func Transient(err error) bool {
	var service oss.ServiceError
	if errors.As(err, &service) {
		return service.StatusCode >= 500 && service.StatusCode != http.StatusNotImplemented ||
			service.StatusCode == http.StatusTooManyRequests || service.StatusCode == http.StatusRequestTimeout ||
			service.Code == "RequestTimeout"
	}
	var network net.Error
	var crc oss.CRCCheckError
	return errors.As(err, &network) || errors.As(err, &crc) || errors.Is(err, reference.ErrCorrupt) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, context.DeadlineExceeded)
}

// connectionLost: the connection was closed under the request.
func connectionLost(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) ||
		err != nil && strings.Contains(err.Error(), "server closed idle connection") // net/http does not export it
}

// failed names what was being done where, and gives the answers that callers act on their sentinels.
func (b *Bucket) failed(verb, key string, err error) error {
	var service oss.ServiceError
	switch {
	case errors.As(err, &service) && service.StatusCode == http.StatusNotFound && service.Code == "NoSuchKey":
		err = reference.ErrNotFound
	case errors.As(err, &service) && service.Code == "FileAlreadyExists":
		err = reference.ErrExists
	case err != nil && strings.HasPrefix(err.Error(), "oss: service returned 304"): // the SDK has no type for it
		err = reference.ErrNotModified
	}
	return fmt.Errorf("OSS at %s: %s %s/%s: %w", b.cfg.Endpoint, verb, b.cfg.Bucket, key, err)
}
