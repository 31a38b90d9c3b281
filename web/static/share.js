// The card that WeChat shows when somebody passes this page on.
const card = document.currentScript.dataset
fetch('/h5/share?url=' + encodeURIComponent(location.href.split('#')[0]))
  .then(answer => answer.ok ? answer.json() : null)
  .then(signed => {
    if (!signed) return
    wx.config({ ...signed, jsApiList: ['updateAppMessageShareData', 'updateTimelineShareData'] })
    wx.ready(() => {
      const shown = { title: card.title, desc: card.days, link: card.link, imgUrl: card.picture }
      wx.updateAppMessageShareData(shown)
      wx.updateTimelineShareData(shown)
    })
  })
