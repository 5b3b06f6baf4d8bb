package oss

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/aliyun/aliyun-oss-go-sdk/oss"

	"feedstream/shared/address"
)

// complete fills in the defaults and reports every bad value at once.
func (c *Config) complete() error {
	var problems []error
	endpoint, err := address.Endpoint(c.Endpoint, c.Bucket)
	if err != nil {
		problems = append(problems, fmt.Errorf("OSS endpoint %w", err))
	}
	c.Endpoint = endpoint
	switch plain, prefixed := strings.CutPrefix(c.Region, "oss-"); {
	case c.Region == "":
		problems = append(problems, errors.New("OSS region is not set: signature V4 needs it, such as cn-hangzhou"))
	case prefixed:
		problems = append(problems, fmt.Errorf("OSS region %q: write %q, without oss-", c.Region, plain))
	}
	if err := oss.CheckBucketName(c.Bucket); err != nil {
		problems = append(problems, fmt.Errorf("OSS bucket %q: %w", c.Bucket, err))
	}
	if c.Timeout < 0 {
		problems = append(problems, fmt.Errorf("OSS timeout %v is negative", c.Timeout))
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	return errors.Join(problems...)
}

func (c *Config) hostname() string {
	u, err := url.Parse(c.Endpoint)
	if err != nil {
		return ""
	}
	return u.Hostname()
}
