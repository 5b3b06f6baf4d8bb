//go:build console

package console_test

import _ "github.com/chromedp/chromedp"
