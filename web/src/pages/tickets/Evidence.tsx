import { useMutation } from '@tanstack/react-query';
import { Alert, Button, Input, Modal, Space, Tag } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import type { Schemas } from '../../api/client';
import { api, told } from '../../api/client';
import { said } from '../../i18n';
import { formatFen, formatTime } from '../../lib/format';

type Ticket = Schemas['Ticket'];
type Dispute = Schemas['DisputeShape'];
type Side = Schemas['SideShape'];
type Choice = 'read' | 'tell' | 'leave';

interface Props {
  ticket: Ticket;
  dispute: Dispute;
  statuses: ReadonlyMap<string, string>;
  done: () => Promise<unknown>;
}

/** What both sides of a difference say, whose word counts, how far its repair is, and what may be chosen. */
export function Evidence({ ticket, dispute, statuses, done }: Props) {
  const { t } = useTranslation();
  const field = t(`tickets.fields.${dispute.field as 'status'}`);
  const value = (text: string) => valueOf(dispute.field, text, statuses) ?? t('tickets.unknown');
  const refusals = dispute.sides.flatMap((side) => side.choices.map((each) => each.refusal?.error));
  const notMine = refusals.length > 0 && refusals.every((each) => each === 'not-your-ticket');
  const no = dispute.sides[0]?.choices[0]?.refusal;
  return (
    <>
      <table className="evidence">
        <caption className="unseen">{t('tickets.evidenceOf', { field })}</caption>
        <thead>
          <tr>
            <th scope="col">{t('tickets.who')}</th>
            <th scope="col">{`${t('tickets.ours')} · ${field}`}</th>
            <th scope="col">{`${t('tickets.theirs')} · ${field}`}</th>
            <th scope="col">{t('tickets.progress')}</th>
            {ticket.open && <th scope="col">{t('tickets.choose')}</th>}
          </tr>
        </thead>
        <tbody>
          {dispute.sides.map((side) => (
            <tr key={side.partner}>
              <th scope="row">
                <span className="mono">{side.partner}</span>
                {side.found_at && (
                  <div className="quiet">{t('tickets.comparedAt', { at: formatTime(side.found_at) })}</div>
                )}
              </th>
              <td>
                {value(side.ours)} <Counts shown={side.says === 'ours'} />
              </td>
              <td>
                {value(side.theirs)} <Counts shown={side.says === 'theirs'} />
                {side.impossible && <div className="worry-text">⚠ {t('tickets.impossible')}</div>}
              </td>
              <td>
                <Progress ticket={ticket} dispute={dispute} side={side} />
              </td>
              {ticket.open && (
                <td>
                  <Choices ticket={ticket} side={side} done={done} />
                </td>
              )}
            </tr>
          ))}
        </tbody>
      </table>
      {notMine && no && <p className="quiet">{said(no.message, no.message_zh)}</p>}
    </>
  );
}

function Counts({ shown }: { shown: boolean }) {
  const { t } = useTranslation();
  return shown ? <Tag color="blue">✓ {t('tickets.counts')}</Tag> : null;
}

function Progress({ ticket, dispute, side }: { ticket: Ticket; dispute: Dispute; side: Side }) {
  const { t } = useTranslation();
  const record = t(`tickets.system.${side.record as 'order'}`);
  const tries = dispute.tries;
  const stage = side.given_up
    ? t('tickets.stageGivenUp', { tries: side.tried })
    : side.stage === 'waiting' && dispute.by_person
      ? t('tickets.stageChosen')
      : t(`tickets.stage.${side.stage as 'choose'}`);
  return (
    <>
      {ticket.open && <div>{`${side.stage === 'waiting' ? '◔ ' : ''}${stage}`}</div>}
      <div className="quiet">
        {t('tickets.record', { system: record })}
        {side.tried > 0 && ` · ${t('tickets.tried', { tried: side.tried, tries })}`}
      </div>
      {ticket.open && side.stage === 'waiting' && side.again_at && (
        <div className="quiet">{t('tickets.again', { at: formatTime(side.again_at) })}</div>
      )}
    </>
  );
}

/** One click each; leaving a difference as it is asks for a reason. */
function Choices({ ticket, side, done }: { ticket: Ticket; side: Side; done: () => Promise<unknown> }) {
  const { t } = useTranslation();
  const [leaving, setLeaving] = useState(false);
  const [reason, setReason] = useState('');
  const choosing = useMutation({
    mutationFn: (choice: Choice) =>
      told(
        api.POST('/api/v1/tickets/repair', {
          body: { subject: ticket.subject, kind: ticket.kind, choice, partner: side.partner, reason },
        }),
      ),
    onSuccess: async () => {
      setLeaving(false);
      setReason('');
      await done();
    },
  });
  const choose = (choice: Choice) => (choice === 'leave' ? setLeaving(true) : choosing.mutate(choice));
  return (
    <>
      {choosing.error && !leaving && <Alert type="error" showIcon title={choosing.error.message} />}
      <Space wrap size={4}>
        {side.choices.map(({ choice, refusal }) => {
          const name = t(`tickets.choice.${choice as Choice}`);
          return (
            <Button
              key={choice}
              size="small"
              type={side.stage === 'choose' && side.repair === choice ? 'primary' : 'default'}
              aria-label={t('tickets.choiceOf', { choice: name, partner: side.partner })}
              title={refusal ? said(refusal.message, refusal.message_zh) : undefined}
              disabled={Boolean(refusal) || (side.stage === 'waiting' && side.repair === choice)}
              loading={choosing.isPending && choosing.variables === choice}
              onClick={() => choose(choice as Choice)}
            >
              {name}
            </Button>
          );
        })}
      </Space>
      {leaving && (
        <Modal
          open
          title={t('tickets.leaveTitle', { partner: side.partner })}
          okText={t('tickets.choice.leave')}
          cancelText={t('tickets.not')}
          okButtonProps={{ disabled: !reason.trim() }}
          confirmLoading={choosing.isPending}
          onCancel={() => setLeaving(false)}
          onOk={() => choosing.mutate('leave')}
        >
          <p>{t('tickets.leaveWhy')}</p>
          {choosing.error && <Alert type="error" showIcon title={choosing.error.message} />}
          <Input
            aria-label={t('tickets.reason')}
            placeholder={t('tickets.reason')}
            maxLength={200}
            value={reason}
            onChange={(event) => setReason(event.target.value)}
          />
        </Modal>
      )}
    </>
  );
}

/** As people read it; null: the order is not known there. */
function valueOf(field: string, text: string, statuses: ReadonlyMap<string, string>): string | null {
  if (text === 'unknown') return null;
  if (field === 'status' || field === 'presence') return statuses.get(text) ?? text;
  if ((field === 'amount' || field === 'refund') && /^\d+$/.test(text)) return formatFen(Number(text));
  if (field === 'receiver') return text.slice(0, 12);
  return text || '–';
}
