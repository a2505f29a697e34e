"""A WeChat Official Account as a channel (https://developers.weixin.qq.com/doc/offiaccount)."""
