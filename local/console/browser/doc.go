// Package browser drives the console of a real stack with a real browser: `make test-console`. It needs chromium.
package browser
