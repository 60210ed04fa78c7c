/* Runs in the page, and gives what `Seen` of `seen.ts` says. */
;(() => {
  const shown = (element) => element.getBoundingClientRect().width > 0
  const charts = [...document.querySelectorAll("figure")].map((figure) => {
    const drawings = [...figure.querySelectorAll(":scope > svg")].filter(shown)
    const texts = [...(drawings[0]?.querySelectorAll("text") ?? [])].map((text) => ({
      text: text.textContent ?? "",
      box: text.getBoundingClientRect(),
      size: parseFloat(getComputedStyle(text).fontSize)
    }))
    const frame = drawings[0]?.getBoundingClientRect() ?? new DOMRect()
    const scale = frame.width / (drawings[0]?.viewBox.baseVal.width ?? 1)
    return {
      name: figure.querySelector("figcaption")?.textContent ?? "",
      visible: drawings.length,
      width: frame.width,
      height: frame.height,
      leastText: Math.min(...texts.map(({ size }) => size * scale)),
      cutOff: texts
        .filter(
          ({ box }) =>
            box.left < frame.left - 1 ||
            box.right > frame.right + 1 ||
            box.top < frame.top - 1 ||
            box.bottom > frame.bottom + 1
        )
        .map(({ text }) => text),
      overlapping: texts.flatMap((one, at) =>
        texts
          .slice(at + 1)
          .filter(
            ({ box }) =>
              Math.min(box.right, one.box.right) - Math.max(box.left, one.box.left) > 2 &&
              Math.min(box.bottom, one.box.bottom) - Math.max(box.top, one.box.top) > 4
          )
          .map(({ text }) => `${one.text} / ${text}`)
      ),
      described: drawings[0]?.querySelector("title") !== null && drawings[0]?.querySelector("desc") !== null,
      hasTable: figure.querySelector("table") !== null
    }
  })
  return {
    pageWidth: document.documentElement.scrollWidth,
    sections: [...document.querySelectorAll("section")].map(({ id }) => id),
    charts
  }
})()
