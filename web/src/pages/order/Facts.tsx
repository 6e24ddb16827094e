import { useTranslation } from 'react-i18next';

import type { Schemas } from '../../api/client';
import { said } from '../../i18n';
import { formatTime } from '../../lib/format';

type Fact = Schemas['FactShape'];

/** The log of an order, its parcels and tickets, as it stands; each fact opens to all that is recorded of it. */
export function Facts({ facts }: { facts: readonly Fact[] }) {
  const { t } = useTranslation();
  return (
    <section aria-label={t('order.facts', { count: facts.length })}>
      <h2 className="section-title">{t('order.facts', { count: facts.length })}</h2>
      <ol className="facts">
        {facts.map((fact) => (
          <li key={fact.position} className={fact.worrying ? 'fact worry' : 'fact'}>
            <time dateTime={fact.recorded_at}>{formatTime(fact.recorded_at)}</time>
            <details>
              <summary>
                {said(fact.sentence, fact.sentence_zh)}
                <span className="by">
                  {fact.source}
                  {fact.operator && fact.operator !== 'system' && ` · ${fact.operator}`}
                </span>
              </summary>
              <Recorded fact={fact} />
            </details>
          </li>
        ))}
      </ol>
    </section>
  );
}

function Recorded({ fact }: { fact: Fact }) {
  const { t } = useTranslation();
  const fields: [string, string][] = [
    [t('order.fact'), `${fact.fact} v${fact.fact_version} · ${fact.aggregate}`],
    [t('order.happened'), formatTime(fact.happened_at)],
    [t('order.command'), fact.command],
    [t('order.key'), fact.command_key],
    [t('order.cause'), fact.cause],
    [t('order.position'), fact.position],
    [t('order.hash'), fact.hash],
    ...Object.entries(fact.body).map(([name, value]): [string, string] => [
      name,
      typeof value === 'string' ? value : JSON.stringify(value),
    ]),
  ];
  return (
    <>
      <dl className="recorded">
        {fields
          .filter(([, value]) => value)
          .map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd className="mono">{value}</dd>
            </div>
          ))}
      </dl>
      {fact.raw && (
        <figure>
          <figcaption>{t('order.raw')}</figcaption>
          <pre>{fact.raw}</pre>
        </figure>
      )}
    </>
  );
}
